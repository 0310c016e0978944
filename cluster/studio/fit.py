"""`spiral fit`, `spiral eval METHOD` and `spiral methods`: the methods of the papers, from options to tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as RichTable

from cluster.run.folder import RunError
from cluster.run.folder_lock import only_writer
from cluster.run.interrupts import Interrupts
from cluster.run.training import read_changes
from spiral.contracts import Arrays
from spiral.devices import resolve_device
from spiral.methods import METHODS, find_experiment
from spiral.methods.experiment import Experiment, Table
from spiral.methods.fitting import Fit, Fitting, begin, load_parts, read_fit, read_results, require_empty, unfinished
from spiral.methods.judgement import is_shipped
from spiral.section import parse_section


def fit_method(
    method: str, experiment: str | None, out: Path, seed: int | None, changes: Sequence[str], resume: bool
) -> None:
    """Begin a fit or go on with one, with a bar of its progress, and print its tables.

    Raises:
        RunError: `resume` is to change what was fixed when the fit began.
        ConfigError: there is no such method, experiment or option.
        OutputError: the folder holds something.
    """
    if resume:
        if experiment is not None or seed is not None or changes:
            raise RunError(
                "--resume goes on with the experiment as it was begun: leave out --experiment, --seed, --set"
            )
        _require_same(method, read_fit(out)[0], out)
        with only_writer(out):
            fit, states = read_fit(out)  # as far as the writer before came
            _carry_out(out, fit, _made(fit, states))
    else:
        name, kind = find_experiment(method, experiment)
        options = parse_section(kind.Options, read_changes(changes), ("experiment",))
        fit = Fit(method, name, seed or 0, options.model_dump(mode="json"))
        require_empty(out)
        made = _made(fit, {})  # whose data may be missing: then nothing was begun
        begin(out, fit)
        with only_writer(out):
            _carry_out(out, fit, made)


def measure_again(method: str, run: Path) -> None:
    """Print the tables of a fit that is done, measured anew.

    Raises:
        ConfigError: the folder is of no fit, or of one of a version whose experiment had other parts.
        RunError: it is of another method, or not trained to the end.
    """
    fit, states = read_fit(run)
    _require_same(method, fit, run)
    read_results(run)
    made = _made(fit, states)
    if left := unfinished(made, fit):
        raise RunError(
            f"{run} is not trained to the end, {', '.join(left)} missing: go on with spiral fit {method} --resume "
            f"--out {run}"
        )
    print_tables(made.measure())


def describe_methods() -> str:
    """What there is, what each is for, from which paper, and its experiments."""
    blocks = []
    for name, method in METHODS.items():
        experiments = ", ".join(method.experiments)
        blocks.append(
            f"{name}: {method.purpose}\n  from   {method.paper}\n  fit    spiral fit {name} --out runs/{name}"
            f"  (--experiment {experiments})\n  judge  rewards: [{_as_reward(name, f'runs/{name}')}]"
            + ("  (or from: shipped, a fit that comes with the package)" if is_shipped(name) else "")
        )
    return "\n\n".join(blocks)


def print_tables(tables: Sequence[Table]) -> None:
    """Print tables for a terminal."""
    console = Console()
    for table in tables:
        shown = RichTable(title=table.title, caption=table.note or None)
        for column in table.columns:
            shown.add_column(column, overflow="fold")  # by default, what has no room is cut off
        for row in table.rows:
            shown.add_row(*(_cell(value) for value in row))
        console.print(shown)


def _as_reward(method: str, folder: str) -> str:
    """The term that settings name the method's reward by, with the fit's folder where it takes one."""
    return f"{{name: {method}}}" if METHODS[method].reward.fit == "none" else f"{{name: {method}, from: {folder}}}"


def _cell(value: str | float | None) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:.4g}"


def _require_same(method: str, fit: Fit, folder: Path) -> None:
    if fit.method != method:
        raise RunError(f"{folder} is a fit of {fit.method}, not of {method}: say {fit.method}, or name another folder")


def _made(fit: Fit, states: Arrays) -> Experiment:
    """The experiment of a fit, as far as its checkpoint is."""
    _, kind = find_experiment(fit.method, fit.experiment)
    made = kind(parse_section(kind.Options, fit.options, ("experiment",)), fit.seed, resolve_device("auto"))
    load_parts(made, fit, states)
    return made


def _carry_out(folder: Path, fit: Fit, made: Experiment) -> None:
    """Train to the end and print the tables, or say how to go on with what was interrupted."""
    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    tasks = {name: bar.add_task(name, total=part.steps) for name, part in made.parts.items()}

    def tell(part: str, step: int, steps: int, means: dict[str, float]) -> None:
        figures = "  ".join(f"{name} {value:.3g}" for name, value in means.items())
        bar.update(tasks[part], completed=step, total=steps, description=f"{part}  {figures}")

    fitting = Fitting(folder, fit, made, tell)
    with bar, Interrupts() as interrupts:
        done = fitting.train(lambda: interrupts.requested)
    if done:
        print_tables(fitting.finish())
        Console().print(f"Everything is in {folder}; as a reward: {_as_reward(fit.method, str(folder))}")
    else:
        Console().print(f"Interrupted; go on with: spiral fit {fit.method} --resume --out {folder}")
