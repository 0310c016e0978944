"""The command `spiral`: what it can be asked for, and how it answers when it is asked wrongly.

Everything heavy is imported by the command that needs it, so that `spiral --help` is there at once. An error that the
user can mend is one line and exit status 2, wherever it comes from; `USER_ERRORS` names them all.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cluster.cli_population import population_app
from cluster.cli_programs import programs_app
from cluster.cli_submit import submit_app
from cluster.options import RunOption, SeedOption, TemperatureOption

app = typer.Typer(
    help="SPIRAL: agents that learn to write pictures as programs for a real brush engine, from pictures alone.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="List data sets, or prepare one.", invoke_without_command=True)
bench_app = typer.Typer(help="Measure how fast things are here.", no_args_is_help=True)
app.add_typer(population_app)
app.add_typer(programs_app)
app.add_typer(submit_app)
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
    "cluster.plan:PlanError",
    "cluster.on_ray.start:EngineError",
    "cluster.on_redis.connection:RedisError",
    "cluster.run_folder:RunError",
    "cluster.submission:SubmitError",
    "cluster.watch.start:WatchError",
)


class EngineName(StrEnum):
    """How a run is composed."""

    ray = "ray"
    local = "local"


class Goal(StrEnum):
    """What the agents that come with the project can do."""

    copy = "copy"
    invent = "invent"


GoalOption = Annotated[Goal, typer.Option(help="Which shipped agent, when no run is named.")]


@app.command()
def train(
    preset: Annotated[str | None, typer.Option(help="Settings by name; `spiral info` lists them.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run. Default: runs/PRESET.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Length, over all resumptions. Default: 20.")] = None,
    frames: Annotated[int | None, typer.Option(help="Length in actions; local runs repeat exactly.")] = None,
    engine: Annotated[EngineName, typer.Option(help="Ray and Redis, or all in one process.")] = EngineName.ray,
    redis: Annotated[
        str | None, typer.Option(envvar="SPIRAL_REDIS", help="URL of a Redis; default: an embedded one.")
    ] = None,
    address: Annotated[str | None, typer.Option(help="A Ray cluster; default: $RAY_ADDRESS, or none.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Rollout workers; default: by the cores.")] = None,
    policy_learners: Annotated[int, typer.Option(min=1, help="Policy learners, which share each batch.")] = 1,
    gpus_per_learner: Annotated[
        float | None, typer.Option(min=0.0, help="Part of a GPU for each learner; default: all GPUs are shared.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the whole run. Default: 0.")] = None,
    env: Annotated[
        str | None, typer.Option(help="Another environment, with its default settings: an id, or module:Class.")
    ] = None,
    change: Annotated[list[str] | None, typer.Option("--set", help="A setting, such as policy.entropy=0.02.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Serve the live page beside the run.")] = False,
    checkpoints: Annotated[
        str | None, typer.Option(help="URL for copies of the checkpoints, such as s3://bucket/run.")
    ] = None,
) -> None:
    """Train an agent. Ctrl-C ends it with a checkpoint, and --resume goes on from there."""
    from cluster.training import train as run_training

    run_training(
        preset,
        out,
        minutes,
        frames,
        engine.value,
        redis,
        address,
        workers,
        policy_learners,
        gpus_per_learner,
        resume,
        seed,
        env,
        change or [],
        watch,
        checkpoints,
    )


@app.command()
def watch(
    redis: Annotated[str | None, typer.Option(help="URL of the run's Redis; default: the embedded ones here.")] = None,
    run: Annotated[Path | None, typer.Option(help="Folder of the run; default: the newest run.")] = None,
    host: Annotated[
        str, typer.Option(help="Where to listen; other than this machine, a token is asked for.")
    ] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Default: the first free one from 8800.")] = None,
) -> None:
    """Serve the live page of a run: its strokes, curves and pictures while it trains."""
    from cluster.watch.start import watch as serve

    serve(redis, run, host, port)


@app.command()
def info(preset: Annotated[str | None, typer.Option(help="Settings by name.")] = None) -> None:
    """Show a preset: layers and parameters, action heads, settings; or list the presets."""
    from cluster.info import describe_preset, list_presets

    typer.echo(list_presets() if preset is None else describe_preset(preset))


@app.command()
def sample(
    out: Annotated[Path, typer.Option(help="Where to write; arrays `renders` and, for a copying agent, `targets`.")],
    run: RunOption = None,
    goal: GoalOption = Goal.copy,
    count: Annotated[int, typer.Option(min=1, help="How many pictures.")] = 1000,
    seed: SeedOption = 0,
    temperature: TemperatureOption = None,
) -> None:
    """Let an agent paint: uint8 [N, H, W, C], dark on white, beside the held-out pictures that it copies."""
    from cluster.use import sample as paint_sample

    typer.echo(paint_sample(out, run, goal.value, count, seed, temperature))


@app.command(name="eval")
def evaluate(
    run: RunOption = None,
    goal: GoalOption = Goal.copy,
    count: Annotated[int | None, typer.Option(min=1, help="Default: all held-out pictures, or 1000.")] = None,
    seed: SeedOption = 0,
    temperature: TemperatureOption = None,
) -> None:
    """Measure an agent: error and readability of its copies, or how many of its inventions pass as digits."""
    from cluster.measuring import evaluate as measure

    typer.echo(measure(run, goal.value, count, seed, temperature))


@data_app.callback()
def data(context: typer.Context) -> None:
    """List the data sets."""
    if context.invoked_subcommand is None:
        from cluster.info import list_data

        typer.echo(list_data())


@data_app.command()
def prepare(
    name: Annotated[str, typer.Argument(help="A data set.")],
    source: Annotated[Path | None, typer.Option("--from", help="Folder with its files.")] = None,
) -> None:
    """Check the files of a data set, and copy them to where data sets live."""
    from spiral.data import prepare as prepare_data

    typer.echo(f"{name} is ready in {prepare_data(name, source)}")


@data_app.command()
def make(
    name: Annotated[str, typer.Argument(help="A data set that is drawn: scenes or scenes-2.")],
    seed: Annotated[int, typer.Option(help="Decides every picture.")] = 0,
    train: Annotated[int, typer.Option(min=1, help="How many to train on.")] = 50_000,
    held_out: Annotated[int, typer.Option(min=1, help="How many to hold out.")] = 1_000,
    processes: Annotated[int | None, typer.Option(min=1, help="Default: one for each core.")] = None,
) -> None:
    """Draw a data set into the folder where data sets live."""
    from cluster.making import make_data

    typer.echo(make_data(name, seed, train, held_out, processes))


@bench_app.command()
def env(seconds: Annotated[float, typer.Option(min=1.0, help="How long to measure.")] = 20.0) -> None:
    """Strokes per second of the environment, beside a plain C loop over libmypaint."""
    from cluster.info import benchmark

    module = benchmark("env")
    module.print_table(module.run(seconds))


@bench_app.command()
def scenes(seconds: Annotated[float, typer.Option(min=1.0, help="How long to measure.")] = 20.0) -> None:
    """Steps per second of the scene environment, beside a plain loop over MuJoCo's renderer."""
    from cluster.info import benchmark

    module = benchmark("scenes")
    module.print_table(module.run(seconds))


@bench_app.command()
def loop(seconds: Annotated[float, typer.Option(min=1.0, help="How long to measure.")] = 20.0) -> None:
    """Where the time of a run goes, and frames per second, in one process and on Ray."""
    from cluster.info import benchmark

    module = benchmark("loop")
    module.print_table(module.run(seconds))


@bench_app.command()
def rivals(
    frames: Annotated[int, typer.Option(min=1, help="Commands that each learner learns from.")] = 200_000,
    seed: Annotated[int, typer.Option(min=0, help="Of everything.")] = 0,
) -> None:
    """Our learner beside RLlib's PPO: frames per second and error, after the same frames and the same time."""
    from cluster.info import benchmark

    module = benchmark("rivals")
    module.print_table(module.run(frames, seed))


@bench_app.command()
def watchers(seconds: Annotated[float, typer.Option(min=1.0, help="Length of each of 20 windows.")] = 20.0) -> None:
    """What twenty watchers of the live page cost a training, and one who reads nothing."""
    from cluster.info import benchmark

    module = benchmark("watchers")
    module.print_table(module.run(seconds))


@app.command()
def chaos(
    kills: Annotated[int, typer.Option(min=3, help="How many processes to kill.")] = 50,
    seed: SeedOption = 0,
) -> None:
    """Kill the processes of a small run on several Ray nodes, and check that nothing is lost; exit status 1 if so."""
    from cluster.chaos.campaign import run_chaos
    from cluster.chaos.evidence import print_campaign

    seen, kept = run_chaos(kills, seed)
    print_campaign(seen, kept)
    if not all(well for well, _ in kept.values()):
        raise typer.Exit(1)


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


def main() -> None:
    """Run the command and exit: 0 done, 2 asked wrongly, 130 interrupted before there was anything to keep."""
    try:
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
