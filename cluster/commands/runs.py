"""The commands for runs on this machine: `spiral train`, `watch`, `curves` and `chaos`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cluster.commands.options import (
    MOST_FRAMES,
    MOST_PROCESSES,
    AddressOption,
    PresetOption,
    RedisOption,
    SeedOption,
    finite,
)
from spiral.config import MOST_SEED

runs_app = typer.Typer()


class EngineName(StrEnum):
    """How a run is composed."""

    ray = "ray"
    local = "local"


OutOption = Annotated[Path | None, typer.Option(help="Folder of the run. Default: runs/PRESET.")]
MinutesOption = Annotated[
    float | None, typer.Option(callback=finite, help="Length, over all resumptions. Default: 20.")
]
FramesOption = Annotated[
    int | None, typer.Option(min=1, max=MOST_FRAMES, help="Length in actions; local runs repeat exactly.")
]
EngineOption = Annotated[EngineName, typer.Option(help="Ray and Redis, or all in one process.")]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, max=MOST_PROCESSES, help="Rollout workers; default: by the cores.")
]
LearnersOption = Annotated[
    int, typer.Option(min=1, max=MOST_PROCESSES, help="Policy learners, which share each batch.")
]
GpusOption = Annotated[
    float | None,
    typer.Option(min=0.0, callback=finite, help="Part of a GPU for each learner; default: all GPUs are shared."),
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")]
RunSeedOption = Annotated[int | None, typer.Option(min=0, max=MOST_SEED, help="Of the whole run. Default: 0.")]
EnvironmentOption = Annotated[
    str | None, typer.Option(help="Another environment, with its default settings: an id, or module:Class.")
]
ChangeOption = Annotated[list[str] | None, typer.Option("--set", help="A setting, such as policy.entropy=0.02.")]
WatchOption = Annotated[bool, typer.Option("--watch", help="Serve the live page beside the run.")]
CopiesOption = Annotated[str | None, typer.Option(help="URL for copies of the checkpoints, such as s3://bucket/run.")]


@runs_app.command()
def train(
    preset: PresetOption = None,
    out: OutOption = None,
    minutes: MinutesOption = None,
    frames: FramesOption = None,
    engine: EngineOption = EngineName.ray,
    redis: RedisOption = None,
    address: AddressOption = None,
    workers: WorkersOption = None,
    policy_learners: LearnersOption = 1,
    gpus_per_learner: GpusOption = None,
    resume: ResumeOption = False,
    seed: RunSeedOption = None,
    env: EnvironmentOption = None,
    change: ChangeOption = None,
    watch: WatchOption = False,
    checkpoints: CopiesOption = None,
) -> None:
    """Train an agent. Ctrl-C ends it with a checkpoint, and --resume goes on from there."""
    from cluster.run.machines import Machines
    from cluster.run.training import train as run_training

    machines = Machines(engine.value, redis, address, workers, policy_learners, gpus_per_learner, checkpoints)
    run_training(preset, out, minutes, frames, machines, resume, seed, env, change or [], watch)


@runs_app.command()
def watch(
    redis: Annotated[str | None, typer.Option(help="URL of the run's Redis; default: the embedded ones here.")] = None,
    run: Annotated[Path | None, typer.Option(help="Folder of the run; default: the newest run.")] = None,
    host: Annotated[
        str, typer.Option(help="Where to listen; other than this machine, a token is asked for.")
    ] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Default: the first free one from 8800.")] = None,
) -> None:
    """Serve the live page: strokes, curves and pictures of a run while it trains; it paints pictures of yours, too."""
    from cluster.watch.start import watch as serve

    serve(redis, run, host, port)


@runs_app.command()
def curves(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.")],
    out: Annotated[Path, typer.Option(help="The picture, a PNG.")] = Path("curves.png"),
) -> None:
    """Draw the learning curves of several runs into one picture."""
    from cluster.studio.curves import compare

    typer.echo(compare(runs, out))


@runs_app.command()
def chaos(
    kills: Annotated[int, typer.Option(min=3, max=MOST_PROCESSES, help="How many processes to kill.")] = 50,
    seed: SeedOption = 0,
) -> None:
    """Kill the processes of a small run on several Ray nodes, and check that nothing is lost; exit status 1 if so."""
    from cluster.chaos.campaign import run_chaos
    from cluster.chaos.evidence import print_campaign

    seen, kept = run_chaos(kills, seed)
    print_campaign(seen, kept)
    if not all(well for well, _ in kept.values()):
        raise typer.Exit(1)
