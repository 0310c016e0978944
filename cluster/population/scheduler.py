"""Ray Tune's population-based training (Jaderberg et al., 2017) over our runs.

Tune decides who runs, who is paused, who copies whom and how the levels change. It is the synchronous form: everyone
trains a round, then all are compared. So each member gets the same time on whatever machine, all are measured at the
same age, and with a length in frames a population repeats. As in the paper's experiments with agents, the worst fifth
copies from the best fifth, and each level is then multiplied by 1.2 or 0.8.

When everyone is there, Tune calls `_quantiles`, and `_get_new_config` for everyone who copies; the latter is where its
own extension PB2 hooks in as well. Here they are where members are compared with each other, which none can do alone,
and where a member's folder takes over the state of another.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from ray import tune
from ray.tune.schedulers import PopulationBasedTraining

from cluster.population.folder import Plan, PopulationFolder
from cluster.population.reports import Reports
from cluster.population.settings import first_ranges

FACTORS = (1.2, 0.8)
QUANTILE = 0.2


class PopulationScheduler(PopulationBasedTraining):
    """Evolution between the rounds.

    Args:
        plan: of the population.
        folder: of the population.
        reports: of the members' rounds.
        first_round: the one that begins now, from 1.
        compare: the fitness of each member by its number, where members cannot tell it themselves.
    """

    def __init__(
        self,
        plan: Plan,
        folder: PopulationFolder,
        reports: Reports,
        first_round: int,
        compare: Callable[[int], Mapping[int, float]] | None,
    ) -> None:
        super().__init__(
            time_attr="training_iteration",
            metric="fitness",
            mode=plan.mode,
            perturbation_interval=1,
            hyperparam_mutations={path: tune.loguniform(*ends) for path, ends in first_ranges(plan.config).items()},
            quantile_fraction=QUANTILE,
            resample_probability=0.0,
            perturbation_factors=FACTORS,
            log_config=False,
            synch=True,
        )
        self.plan, self.folder, self.reports = plan, folder, reports
        self.compare = compare
        self.round = first_round

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """What becomes of a member that has finished a round; those before it may be changed as well."""
        self.reports.take(result)
        decision: str = super().on_trial_result(tune_controller, trial, result)
        return decision

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        """A member has finished its last round, or is made to stop."""
        self.reports.take(result)
        super().on_trial_complete(tune_controller, trial, result)

    def _quantiles(self) -> tuple[list[Any], list[Any]]:
        """The worst and the best members, when all have finished a round."""
        # Tune draws from Python's own generator, here and until the last member has its new levels.
        random.seed(f"{self.plan.config.seed} {self.round}")
        if self.compare is not None:
            fitness = self.compare(self.round)
            for trial, state in self._trial_state.items():
                state.last_score = fitness[int(str(trial))]
        self.round += 1
        quantiles: tuple[list[Any], list[Any]] = super()._quantiles()
        return quantiles

    def _get_new_config(self, trial: Any, trial_to_clone: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The settings with which a member goes on as a copy of another, or its own where the disk takes no copy."""
        config, operations = super()._get_new_config(trial, trial_to_clone)
        number, source = int(str(trial)), int(str(trial_to_clone))
        before = {path: trial.config[path] for path in self._hyperparam_mutations}
        after = {path: config[path] for path in self._hyperparam_mutations}
        with self.reports.log.full_disk.going_on(f"Member {number} as a copy of member {source}"):
            self.folder.copy_member(self.plan, source, number, after)
            self.reports.log.add(
                {"event": "exploit", "round": self.round - 1, "member": number, "source": source}
                | {"before": before, "after": after}
            )
            return config, operations
        return dict(trial.config), {}
