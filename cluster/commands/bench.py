"""The commands that measure speed here: `spiral bench`; what they run is in `benchmarks`."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal

import typer

from cluster.commands.options import LONGEST, MOST_FRAMES, MOST_PICTURES, RunOption, SeedOption, finite
from spiral.config import MOST_SEED

MOST_ROUNDS = 1000

PresetsOption = Annotated[
    list[str] | None, typer.Option(help="Settings by name; may be given again; default: mnist-small and reference.")
]

bench_app = typer.Typer(help="Measure how fast things are here.", no_args_is_help=True)


@bench_app.command()
def env(
    seconds: Annotated[float, typer.Option(min=1.0, max=LONGEST, callback=finite, help="How long to measure.")] = 20.0,
) -> None:
    """Strokes per second of the environment, beside a plain C loop over libmypaint."""
    module = benchmark("env")
    module.print_table(module.run(seconds))


@bench_app.command()
def ink() -> None:
    """How much ink every installed brush puts on canvases of 64, 65, 128 and 512 pixels; it should be as much."""
    module = benchmark("ink")
    module.print_table(module.run())


@bench_app.command()
def scenes(
    seconds: Annotated[float, typer.Option(min=1.0, max=LONGEST, callback=finite, help="How long to measure.")] = 20.0,
) -> None:
    """Steps per second of the scene environment, beside a plain loop over MuJoCo's renderer."""
    module = benchmark("scenes")
    module.print_table(module.run(seconds))


@bench_app.command()
def loop(
    preset: PresetsOption = None,
    seconds: Annotated[
        float, typer.Option(min=1.0, max=LONGEST, callback=finite, help="About how long to measure each preset.")
    ] = 20.0,
) -> None:
    """Where the time of a run goes, and frames per second, in one process and on Ray."""
    module = benchmark("loop")
    module.print_table(module.run(seconds, tuple(preset or module.PRESETS)))


@bench_app.command()
def ceiling(
    preset: PresetsOption = None,
    seconds: Annotated[
        float, typer.Option(min=1.0, max=LONGEST, callback=finite, help="About how long to measure each preset.")
    ] = 60.0,
    seed: SeedOption = 0,
) -> None:
    """How fast each part of a run can be at most, and what 64, 1,000 and 10,000 rollout cores would need."""
    module = benchmark("ceiling")
    module.print_table(module.run(seconds, tuple(preset or module.PRESETS), seed))


@bench_app.command()
def lag(
    seconds: Annotated[
        float, typer.Option(min=1.0, max=LONGEST, callback=finite, help="How long to look on with each number.")
    ] = 20.0,
) -> None:
    """What actors with older weights cost in policy steps, and how old these are with many workers."""
    module = benchmark("lag")
    module.print_tables(module.run(seconds))


@bench_app.command()
def rivals(
    network: Annotated[Literal["small", "published"], typer.Option(help="Layers, canvas and episodes.")] = "small",
    rounds: Annotated[int, typer.Option(min=0, max=MOST_ROUNDS, help="Turns of each learner; 0: only error.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.0, max=LONGEST, callback=finite, help="Length of a turn.")] = 10.0,
    frames: Annotated[
        int, typer.Option(min=0, max=MOST_FRAMES, help="Commands after which error is measured; 0: only speed.")
    ] = 200_000,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Of everything.")] = 0,
) -> None:
    """Our learner beside RLlib's, a plain loop on Ray and one in a single process: frames per second, and error."""
    module = benchmark("rivals")
    module.print_table(module.run(network, rounds, seconds, frames, seed))


@bench_app.command()
def watchers(
    seconds: Annotated[
        float, typer.Option(min=1.0, max=LONGEST, callback=finite, help="Length of each of 20 windows.")
    ] = 20.0,
) -> None:
    """What twenty watchers of the live page cost a training, and one who reads nothing."""
    module = benchmark("watchers")
    module.print_table(module.run(seconds))


@bench_app.command()
def strokes(
    seconds: Annotated[float, typer.Option(min=5.0, max=LONGEST, callback=finite, help="How long to look on.")] = 20.0,
) -> None:
    """How late strokes appear on the live page, in a headless Chromium beside a training."""
    module = benchmark("strokes")
    module.print_table(module.run(seconds))


@bench_app.command()
def search(
    run: RunOption = None,
    scenes: Annotated[int, typer.Option(min=1, max=MOST_PICTURES, help="How many held-out scenes.")] = 100,
    evaluations: Annotated[
        int, typer.Option(min=1, max=MOST_FRAMES, help="Renders of the search for each scene.")
    ] = 5000,
    seed: SeedOption = 0,
) -> None:
    """One pass of an agent beside a Metropolis-Hastings search over the same scenes."""
    module = benchmark("search")
    module.print_table(module.run(run, scenes, evaluations, seed))


@bench_app.command()
def circle(
    out: Annotated[Path, typer.Option(help="Folder for the figure.")] = Path("runs/circle"),
    steps: Annotated[int, typer.Option(min=1, max=MOST_FRAMES, help="Steps of each discriminator.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Of everything.")] = 0,
) -> None:
    """What a discriminator sees that the l2 distance does not: figure A.1 of the thesis."""
    module = benchmark("circle")
    module.print_table(module.run(out, steps, seed))


def benchmark(name: str) -> Any:
    """The module or package `benchmarks.NAME`, which lives in the repository and is not installed.

    Raises:
        RunError: this is not a checkout of the repository.
    """
    from cluster.run.folder import RunError

    root = Path(__file__).resolve().parents[2]
    if not any((root / "benchmarks" / place).is_file() for place in (f"{name}.py", f"{name}/__init__.py")):
        raise RunError(f"benchmarks are part of the repository, and {root} is none: run this from a clone")
    module: ModuleType = importlib.import_module(f"benchmarks.{name}")
    return module
