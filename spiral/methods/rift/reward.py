"""The translation as a judge: what is shared from the target, and what is of its own from a guide.

An agent is shown x of the one domain and has painted z, which should be as x is in what the domains share, and as the
guide g, a picture of the other domain, in what is this domain's own. Its score is

    −translation · |z − F(x, g)| − shared · |x − G(z, s(x))| − own · (s(z) − s(g))²,

means over the pixels: how far z is from the translation; how far x is from what z becomes with x's own factors; and how
far z's own factors are from those of g. The guide is one of the held-out pictures that the fit has kept of each domain,
by its number, or any picture of yours, by its path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from spiral.agent import as_pictures, writable_tensor
from spiral.data.decode import decode
from spiral.data.pictures import DatasetCorrupt
from spiral.methods.judgement import Judgement
from spiral.methods.rift.measures import Task
from spiral.methods.rift.model import CHANNELS, Layout, translators
from spiral.methods.rift.training import Rift
from spiral.rewards.base import Context, FittedReward, Setting, need_copies
from spiral.rewards.distinct import distinct
from spiral.section import ConfigError
from spiral.state import network_arrays

GUIDES = 16  # of each domain that a fit keeps


class RiftRewardOptions(Layout):
    """Towards which domain, guided by what, what the terms weigh; and the networks' sizes, which come from the fit."""

    towards: Literal["a", "b"] = "b"
    guide: int | str = 0
    translation: float = Field(default=1.0, ge=0)
    shared: float = Field(default=0.5, ge=0)
    own: float = Field(default=0.1, ge=0)


class Judges(nn.Module):
    """Both generators, and guides of each domain, uint8 [GUIDES, 3, side, side]."""

    def __init__(self, options: RiftRewardOptions) -> None:
        super().__init__()
        self.generators = translators(options)
        for name in "ab":
            shape = (GUIDES, CHANNELS, options.side, options.side)
            self.register_buffer(f"guides_{name}", torch.zeros(shape, dtype=torch.uint8))


class RiftReward(FittedReward):
    """How near a render is to the target's translation, and to target and guide in what each should give it."""

    Options = RiftRewardOptions
    options: RiftRewardOptions
    method = "rift"

    def __init__(self, setting: Setting, options: RiftRewardOptions) -> None:
        super().__init__(setting, options)
        self.network: Judges = Judges(options).to(setting.device).eval()
        names = ("a2b", "b2a") if options.towards == "b" else ("b2a", "a2b")
        self._forth, self._back = (self.network.generators[name] for name in names)
        self._own_guide = None if isinstance(options.guide, int) else _read_guide(Path(options.guide), options.side)
        if isinstance(options.guide, int) and not 0 <= options.guide < GUIDES:
            raise ConfigError(
                f"rewards.rift.options.guide={options.guide}, but the fit has kept {GUIDES} pictures of each domain: "
                f"give a number from 0 to {GUIDES - 1}, or the path of a picture"
            )

    @torch.no_grad()
    def score(self, renders: NDArray[np.uint8], context: Context) -> Tensor:
        """Scores, float32 [B].

        Raises:
            ValueError: the renders are none, of another shape, or nothing was shown.
        """
        targets = need_copies("rift", self.setting, context, renders)
        first_shown, of_shown = distinct(targets)
        first_painted, of_painted = distinct(renders)
        shown, painted = self._seen(targets[first_shown]), self._seen(renders[first_painted])
        guide = self._back(self._guide())[1]
        options = self.options
        translated = self._forth(shown, guide.expand(len(shown), -1, -1, -1))[0]
        score = -options.translation * _apart(painted[of_painted], translated[of_shown])
        if options.shared:
            said = self._forth(shown)[1]
            pairs, of_pairs = distinct(targets, renders)
            x, z = ([places[i] for i in pairs] for places in (of_shown, of_painted))
            again = self._back(painted[z], said[x])[0]
            score = score - options.shared * _apart(shown[x], again)[of_pairs]
        if options.own:
            score = score - options.own * (self._back(painted)[1] - guide).square().mean((1, 2, 3))[of_painted]
        return score.float().cpu()

    def _guide(self) -> Tensor:
        """g, [1, 3, side, side]."""
        if self._own_guide is not None:
            return self._seen(self._own_guide)
        kept: Tensor = self.network.get_buffer(f"guides_{self.options.towards}")
        assert isinstance(self.options.guide, int)
        return kept[self.options.guide : self.options.guide + 1].float().div(127.5).sub(1)

    def _seen(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Pictures of any size, grey or in colour, as the networks take them."""
        pictures = 2 * as_pictures(writable_tensor(pixels).to(self.setting.device)) - 1
        side = (self.options.side, self.options.side)
        if pictures.shape[-2:] != side:
            pictures = functional.interpolate(pictures, side, mode="bilinear", antialias=True)
        return pictures.expand(-1, CHANNELS, -1, -1)


def judgement_of(rift: Rift, task: Task) -> Judgement:
    """What the reward needs of a fit."""
    options = {name: getattr(rift.options, name) for name in Layout.model_fields}
    judges = Judges(RiftRewardOptions(**options))
    judges.generators.load_state_dict(rift.generators.state_dict())
    for name, domain in (("a", task.held_a), ("b", task.held_b)):
        places = torch.arange(GUIDES) % len(domain)
        judges.get_buffer(f"guides_{name}").copy_(domain.images[places.to(domain.images.device)])
    return Judgement("rift", network_arrays(judges), options)


def _read_guide(path: Path, side: int) -> NDArray[np.uint8]:
    """The middle square of a picture, uint8 [1, side, side, 3].

    Raises:
        ConfigError: it is not there, or no picture.
    """
    try:
        return decode(path.read_bytes(), str(path), side, True)[None]
    except (OSError, DatasetCorrupt) as error:
        raise ConfigError(f"rewards.rift.options.guide={str(path)!r} cannot be read: {error}") from error


def _apart(one: Tensor, other: Tensor) -> Tensor:
    """The mean absolute difference of each picture, [N]."""
    return (one - other).abs().mean((1, 2, 3))


REWARD: type[Any] = RiftReward
