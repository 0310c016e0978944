"""The methods of the source papers, each a whole: it trains and is measured by itself, and judges an agent's renders.

A method is a folder of three files: `model.py` (networks and losses), `train.py` (its experiments) and `reward.py` (how
it judges). One line in `METHODS` makes it known to `spiral fit`, `spiral eval`, `spiral methods` and to `rewards`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from spiral.section import ConfigError

if TYPE_CHECKING:  # rewards know this table, and what is behind it is read when it is needed
    from spiral.methods.experiment import Experiment
    from spiral.rewards.base import Reward


@dataclass(frozen=True)
class Method:
    """A line of the table.

    Attributes:
        purpose: what it is for, in a painter's words.
        paper: where it comes from.
        package: the folder, whose `train.EXPERIMENTS` and `reward.REWARD` are read when they are needed.
    """

    purpose: str
    paper: str
    package: str

    @property
    def experiments(self) -> dict[str, type[Experiment]]:
        """By name; the first is what `spiral fit` does when none is named."""
        experiments: dict[str, type[Experiment]] = self._module("train").EXPERIMENTS
        return experiments

    @property
    def reward(self) -> type[Reward]:
        """How it judges renders."""
        reward: type[Reward] = self._module("reward").REWARD
        return reward

    def _module(self, name: str) -> ModuleType:
        """One of the folder's files.

        Raises:
            ConfigError: a library of the extra `methods` is not installed.
        """
        try:
            return import_module(f"{self.package}.{name}")
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"{self.package} needs the package {error.name}: pip install 'spiral-painter[methods]'"
            ) from error


METHODS: dict[str, Method] = {
    "dann": Method(
        "Finds what pictures of two kinds have in common: shown a number on clutter, the agent is paid for the digit.",
        "Ganin et al.: Domain-Adversarial Training of Neural Networks (JMLR 2016; thesis, chapter 5)",
        "spiral.methods.dann",
    ),
    "dtn": Method(
        "Shown one kind of picture, it paints another that says the same: of a number on clutter, the digit by pen.",
        "Taigman, Polyak, Wolf: Unsupervised Cross-Domain Image Generation (2016)",
        "spiral.methods.dtn",
    ),
    "dual_distance": Method(
        "Pulls what is painted towards a whole set of pictures, steadily: its judge is found anew and never chased.",
        "Usman, Saenko, Kulis: Stable Distribution Alignment Using the Dual of the Adversarial Distance (2018)",
        "spiral.methods.dual_distance",
    ),
    "lrmf": Method(
        "Pulls what is painted towards all kinds of real pictures, and says in nats how far it still is: 0 is alike.",
        "Usman, Sud, Dufour, Saenko: Log-Likelihood Ratio Minimizing Flows (NeurIPS 2020)",
        "spiral.methods.lrmf",
    ),
    "n4_fields": Method(
        "Finds the edges of things in a photograph, and pays the agent for a line drawing of them with a pen.",
        "Ganin & Lempitsky: N4-Fields (ACCV 2014; thesis, chapter 3)",
        "spiral.methods.n4_fields",
    ),
    "deepwarp": Method(
        "Forgives strokes that are a little misplaced: what counts is what remains after the best small warp.",
        "Ganin, Kononenko, Sungatullina, Lempitsky: DeepWarp (ECCV 2016; thesis, chapter 4)",
        "spiral.methods.deepwarp",
    ),
    "manifold_traversal": Method(
        "Paint this face, but smiling: it pays for what a kind of picture has, and for what the shown one was.",
        "Gardner et al.: Deep Manifold Traversal: Changing Labels with Convolutional Features (2015)",
        "spiral.methods.manifold_traversal",
    ),
    "vlae": Method(
        "Splits a picture into style and subject: choose which of them the copy must share with what is shown.",
        "Zhang et al.: MMD Variational Ladder Autoencoder, for arithmetic on faces (2018)",
        "spiral.methods.vlae",
    ),
    "puppet_gan": Method(
        "Write this digit, as slanted as that one: one thing follows a synthetic reference, the rest what is shown.",
        "Usman, Dufour, Saenko, Bregler: PuppetGAN: Cross-Domain Image Manipulation by Demonstration (ICCV 2019)",
        "spiral.methods.puppet_gan",
    ),
    "self_defence": Method(
        "Tells a copy from what it copies as long as there is any trace of a difference, and finds what is hidden.",
        "Bashkirova, Usman, Saenko: Adversarial Self-Defense for Cycle-Consistent GANs (NeurIPS 2019)",
        "spiral.methods.self_defence",
    ),
    "rift": Method(
        "Paint this, but as that one has it: what two kinds of picture share from the target, the rest from a guide.",
        "Usman, Bashkirova, Saenko: RIFT: Translation via Restricted Information Flow (2021)",
        "spiral.methods.rift",
    ),
    "meta_pose": Method(
        "Judges a scene by where its things stand in space, which it has learned from views that nobody calibrated.",
        "Usman, Tagliasacchi, Saenko, Sud: MetaPose: Fast 3D Pose from Multiple Views without 3D Supervision (2022)",
        "spiral.methods.meta_pose",
    ),
}


def find_method(name: str) -> Method:
    """The method of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in METHODS:
        raise ConfigError(f"no method {name!r}; there are {', '.join(sorted(METHODS))}")
    return METHODS[name]


def find_experiment(name: str, experiment: str | None) -> tuple[str, type[Experiment]]:
    """The experiment of a method by its name, or the method's first.

    Raises:
        ConfigError: there is no such method or experiment.
    """
    experiments = find_method(name).experiments
    chosen = next(iter(experiments)) if experiment is None else experiment
    if chosen not in experiments:
        raise ConfigError(f"no experiment {chosen!r} of {name}; there are {', '.join(experiments)}")
    return chosen, experiments[chosen]
