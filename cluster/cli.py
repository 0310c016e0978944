"""The command `spiral`: what it can be asked for, and how it answers when it is asked wrongly.

Everything heavy is imported by the command that needs it, so that `spiral --help` is there at once. An error that the
user can mend is one line and exit status 2, wherever it comes from; `USER_ERRORS` names them all.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import typer

import spiral_painter  # noqa: F401  (first of ours, so that all the others are)
from cluster.commands.agents import agents_app
from cluster.commands.bench import bench_app
from cluster.commands.data import data_app
from cluster.commands.population import population_app
from cluster.commands.programs import programs_app
from cluster.commands.runs import runs_app
from cluster.commands.submit import submit_app

app = typer.Typer(
    help="SPIRAL: agents that learn to write pictures as programs for a real brush engine, from pictures alone.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for commands in (runs_app, agents_app, programs_app, population_app, submit_app):
    app.add_typer(commands)
app.add_typer(data_app, name="data")
app.add_typer(bench_app, name="bench")

USER_ERRORS = (
    "spiral.config:ConfigError",
    "spiral.data.pictures:DatasetError",
    "spiral.contracts:EmptyReplayError",
    "envs.own:EnvironmentNotFound",
    "envs.settings:SettingsError",
    "envs.stage:StageError",
    "envs.program:ProgramError",
    "envs.pymypaint.errors:PaintError",
    "gymnasium.error:Error",
    "learners.checkpoint:CheckpointError",
    "learners.descent:DivergedError",
    "learners.replay:ReplayError",
    "spiral.contracts:WeightsError",
    "actors.pool:PoolError",
    "actors.rollout:OtherBrushError",
    "cluster.plan:PlanError",
    "cluster.on_ray.start:EngineError",
    "cluster.on_redis.connection:RedisError",
    "cluster.run_folder:RunError",
    "cluster.submission:SubmitError",
    "cluster.watch.start:WatchError",
)


def is_user_error(error: BaseException) -> bool:
    """Whether the error is one that the user can mend."""
    if isinstance(error, OSError) and error.filename is not None:
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
        typer.echo(f"spiral: warning: {' '.join(str(message).split())}", err=True)
    else:
        python_shows(message, category, *place, **options)


python_shows = warnings.showwarning


def main() -> None:
    """Run the command and exit: 0 done, 2 asked wrongly, 130 interrupted before there was anything to keep."""
    try:
        with warnings.catch_warnings():
            # It is the user's to judge, and shown once, whatever Python was told to do with warnings.
            warnings.filterwarnings("default", module=r"envs\.other_brush")
            warnings.showwarning = show_warning
            app()
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(130)
    except Exception as error:
        if not is_user_error(error):
            raise
        typer.echo(f"spiral: {' '.join(str(error).split())}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
