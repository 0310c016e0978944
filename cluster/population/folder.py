"""The folder of a population: its plan, its event log, and a folder of a run for each member.

What a member is lies in its own folder alone, as settings and checkpoints of ours. So an interrupted population goes on
from its folders, and nothing that Tune wrote is ever read by a later command.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from cluster.population.settings import Levels, levels_of, member_config
from cluster.run.folder import RunError, RunFolder, write_text
from cluster.run.plan import Length
from learners.checkpoint import has_checkpoint, latest_checkpoint, load_checkpoint, save_only_checkpoint
from spiral.config import RunConfig, parse_config
from spiral.data import DIGITS, resolve
from spiral.files import read_json
from spiral.rewards import learned_terms
from spiral.section import ConfigError

FitnessName = Literal["held_out", "scores"]
MOST = 100_000  # members, or rounds


@dataclass(frozen=True)
class Plan:
    """What a population is.

    Attributes:
        config: the settings that all members share.
        length: of each member's run.
        members: how many there are, numbered from 0.
        rounds: into how many parts the run is divided, with evolution between them.
        fitness: `held_out` figures, or `scores` of the members' learned rewards made comparable.
        shared_rewards: whether they have these together.
    """

    config: RunConfig
    length: Length
    members: int
    rounds: int
    fitness: FitnessName
    shared_rewards: bool = False

    @property
    def figure(self) -> str:
        """What the fitness is called where it is shown: of `held_out`, the figure's name in a run's metrics."""
        if self.fitness == "scores":
            return "comparable score"
        return "held_out/error_ratio" if self.config.agent.conditional else "held_out/accepted"

    @property
    def mode(self) -> Literal["min", "max"]:
        """Whether the least or the greatest fitness is the best."""
        return "min" if self.figure == "held_out/error_ratio" else "max"

    @property
    def worst(self) -> float:
        """The fitness of a member that has failed."""
        return float("inf") if self.mode == "min" else float("-inf")

    def check(self) -> None:
        """Refuses a population that nothing can select.

        Raises:
            ConfigError: there is no such figure for these settings.
        """
        if not learned_terms(self.config.rewards):
            if self.fitness == "scores":
                raise ConfigError("--fitness scores needs a reward that learns: use --fitness held_out")
            if self.shared_rewards:
                raise ConfigError("none of the rewards learns: leave out --shared-rewards")
        invents = not self.config.agent.conditional
        if self.fitness == "held_out" and invents and resolve(self.config.data.name)[0] not in DIGITS:
            raise ConfigError(
                f"--fitness held_out: only digits have a judge, and the agent invents {self.config.data.name}: "
                "use --fitness scores"
            )


@dataclass(frozen=True)
class PopulationFolder:
    """Names of everything that a population leaves behind in `path`."""

    path: Path

    @property
    def plan(self) -> Path:
        """The plan, `population.json`."""
        return self.path / "population.json"

    @property
    def events(self) -> Path:
        """What happened, one JSON document a line, `population.jsonl`."""
        return self.path / "population.jsonl"

    @property
    def summary(self) -> Path:
        """The table of the members."""
        return self.path / "summary.txt"

    @property
    def best(self) -> Path:
        """A link to the folder of the fittest member."""
        return self.path / "best"

    @property
    def stop(self) -> Path:
        """A file that asks the members to end their round early."""
        return self.path / ".stop"

    def member(self, number: int) -> RunFolder:
        """The run of one member."""
        return RunFolder(self.path / "members" / f"{number:02d}")

    def begin(self, plan: Plan) -> None:
        """Make the folder, and write the plan."""
        self.path.mkdir(parents=True, exist_ok=True)
        document = asdict(plan) | {"config": plan.config.model_dump(mode="json"), "length": asdict(plan.length)}
        write_text(self.plan, json.dumps(document, indent=1))

    def read_plan(self) -> Plan:
        """The plan of the population in this folder.

        Raises:
            RunError: there is none, or its `population.json` is damaged.
        """
        if not self.plan.is_file():
            raise RunError(f"{self.path} holds no population (no {self.plan.name}): start one without --resume")
        try:
            document = read_json(self.plan)
            config, length = parse_config(document["config"]), Length(**document["length"])
            members, rounds, fitness = int(document["members"]), int(document["rounds"]), document["fitness"]
            shared = bool(document.get("shared_rewards", False))
        except (ValueError, TypeError, KeyError, OverflowError, ConfigError) as error:
            raise RunError(f"{self.plan} is damaged ({error}): start a new population") from None
        if fitness not in get_args(FitnessName) or not 2 <= members <= MOST or not 1 <= rounds <= MOST:
            raise RunError(f"{self.plan} is damaged ({members=}, {rounds=}, {fitness=}): start a new population")
        return Plan(config, length, members, rounds, fitness, shared)

    def levels(self, number: int) -> Levels | None:
        """The present levels of a member; None before it began."""
        folder = self.member(number)
        return levels_of(folder.read_settings()[0]) if folder.settings.is_file() else None

    def set_best(self, number: int) -> None:
        """Let `best` lead to this member."""
        temporary = self.path / ".best"
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(self.member(number).path.relative_to(self.path))
        os.replace(temporary, self.best)

    def copy_member(self, plan: Plan, source: int, number: int, levels: Levels) -> None:
        """Give member `number` everything that `source` has learned, and new levels.

        That is agent, learned rewards, all optimisers and the replay. The random state of its rollouts remains, so that
        the two do not play alike. So do shared rewards, which may be newer here than there.

        Raises:
            OSError: the disk takes no more; the member stays as it was.
        """
        kept = ("rollout-", "rewards") if plan.shared_rewards else ("rollout-",)
        own, folder = self.member(number), self.member(source)
        copied = load_checkpoint(latest_checkpoint(folder.checkpoints))
        parts = {name: arrays for name, arrays in copied.parts.items() if not name.startswith(kept)}
        if has_checkpoint(own.checkpoints):
            before = load_checkpoint(latest_checkpoint(own.checkpoints))
            parts |= {name: arrays for name, arrays in before.parts.items() if name.startswith(kept)}
        else:
            parts = copied.parts
        config = member_config(plan.config, number, levels)
        document = copied.document | {"config": config.model_dump(mode="json")}
        save_only_checkpoint(own.checkpoints, copied.document["counters"]["frames"], document, parts)
        own.begin(config, plan.length)
