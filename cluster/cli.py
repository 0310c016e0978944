"""The command `spiral`: what it can be asked for, and how it answers when it is asked wrongly.

Everything heavy is imported by the command that needs it, so that `spiral --help` is there at once. Whatever goes wrong
comes here, wherever it happened, and becomes one line (`cluster/commands/error_messages.py`); `USER_ERRORS` are what
the user can mend.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from typing import Any

import typer

import spiral_painter  # noqa: F401  (first of ours, so that all the others are)
from cluster.commands.agents import agents_app
from cluster.commands.bench import bench_app
from cluster.commands.data import data_app
from cluster.commands.error_messages import error_message, is_of_the_system, one_line
from cluster.commands.methods import methods_app
from cluster.commands.population import population_app
from cluster.commands.programs import programs_app
from cluster.commands.runs import runs_app
from cluster.commands.submit import submit_app

INTERRUPTED = 130

USER_ERRORS = (
    "spiral.section:ConfigError",
    "spiral.data.pictures:DatasetError",
    "spiral.contracts:EmptyReplayError",
    "spiral.contracts:WeightsError",
    "spiral.files:OutputError",
    "envs.own:EnvironmentNotFound",
    "envs.settings:SettingsError",
    "envs.opengl:StageError",
    "envs.program:ProgramError",
    "envs.pymypaint.errors:PaintError",
    "gymnasium.error:Error",
    "learners.checkpoint:CheckpointError",
    "spiral.descent:DivergedError",
    "learners.replay:ReplayError",
    "actors.pool:PoolError",
    "actors.rollout:OtherBrushError",
    "cluster.run.plan:PlanError",
    "cluster.on_ray.start:EngineError",
    "cluster.on_redis.connection:RedisError",
    "cluster.run.folder:RunError",
    "cluster.submit.client:SubmitError",
    "cluster.watch.start:WatchError",
)

app = typer.Typer(
    help="SPIRAL: agents that learn to write pictures as programs for a real brush engine, from pictures alone.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for commands in (runs_app, agents_app, methods_app, programs_app, population_app, submit_app):
    app.add_typer(commands)
app.add_typer(data_app, name="data")
app.add_typer(bench_app, name="bench")


def is_user_error(error: BaseException) -> bool:
    """Whether the error is one that the user can mend."""
    if is_of_the_system(error):
        return True
    for name in USER_ERRORS:
        module, _, kind = name.partition(":")
        # An error can only be of a class whose module was imported already.
        if module in sys.modules and isinstance(error, getattr(sys.modules[module], kind)):
            return True
    return False


def show_warning(message: Warning | str, category: type[Warning], *place: Any, **options: Any) -> None:
    """Shows a warning of ours in one line, and others as Python does."""
    if category.__module__ == "envs.other_brush":
        typer.echo(f"spiral: warning: {one_line(str(message))}", err=True)
    else:
        python_shows(message, category, *place, **options)


python_shows = warnings.showwarning


def main() -> None:
    """Run the command and exit: 0 done, 2 asked wrongly, 70 a fault of ours, 130 interrupted with nothing to keep."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files may be no text
    os.environ["MPLBACKEND"] = "agg"  # we draw into files, whatever windows a person has Matplotlib open
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # they are for those who write programs
    sys.exit(status())


def status() -> int:
    """The exit status of the command, which has answered when this returns."""
    try:
        with warnings.catch_warnings():
            # It is the user's to judge, and shown once, whatever Python was told to do with warnings.
            warnings.filterwarnings("default", module=r"envs\.other_brush")
            warnings.showwarning = show_warning
            result = app(standalone_mode=False)
        sys.stdout.flush()  # here, where a full disk can still be told
        return result if isinstance(result, int) else 0
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:  # whoever read the output has read enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return 1
    except Exception as error:
        line, ends_with = error_message(error, is_user_error(error))
        if line:
            typer.echo(f"spiral: {line}", err=True)
        return ends_with


if __name__ == "__main__":
    main()
