"""The shallow form on inter-twinning moons (JMLR 2016, figure 2): the target is the source, turned by 35 degrees."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from spiral.methods.dann.domains import Domain
from spiral.methods.dann.measures import proxy_distance, share_of_gap
from spiral.methods.dann.model import DomainAdversarial, shallow
from spiral.methods.dann.training import Arm, Training, TrainingOptions
from spiral.methods.experiment import Experiment, Row, Table
from spiral.methods.pictures import save_figure
from spiral.section import Size


class ShallowOptions(TrainingOptions):
    """How many points a domain has, how far the target is turned, and how many units are hidden."""

    steps: Size = 2000
    baseline_steps: Size = 2000
    learning_rate: float = Field(default=0.2, gt=0)
    points: int = Field(default=300, ge=4, le=2**20)
    degrees: float = 35.0
    hidden: Size = 15


class Shallow(Experiment):
    """A network with one hidden layer, alone, with the domain classifier, and on the target."""

    Options = ShallowOptions
    options: ShallowOptions

    def __init__(self, options: ShallowOptions, seed: int, device: torch.device) -> None:
        super().__init__(options, seed, device)
        self.source, self.target, self.test = (
            moons(options.points, degrees, 3 * seed + place)
            for place, degrees in enumerate((0.0, options.degrees, options.degrees))
        )
        arms = {
            "source": Arm([self.source]),
            "dann": Arm([self.source], self.target),
            "target": Arm([self.target]),
        }
        self.trainings = {
            name: Training(options, arm, self._network, np.inf, self.test, seed, device) for name, arm in arms.items()
        }
        self.parts = self.trainings

    def _network(self) -> DomainAdversarial:
        return shallow(2, self.options.hidden, 2)

    def measure(self) -> list[Table]:
        """Accuracies on the target, shares of the gap, and how far apart the domains are in the hidden layer."""
        found = {name: part.accuracy(self.test) for name, part in self.trainings.items()}
        rows: list[Row] = []
        for name, part in self.trainings.items():
            gap = share_of_gap(found[name], found["source"], found["target"])
            hidden = [part.features(domain.images)[0] for domain in (self.source, self.target)]
            rows.append((name, part.accuracy(self.source), found[name], gap, proxy_distance(hidden[0], hidden[1])))
        columns = ("learned from", "source read right", "target read right", "of the gap", "proxy A-distance")
        return [Table("Inter-twinning moons, one hidden layer", columns, rows)]

    def draw(self, folder: Path) -> None:
        """Where each network draws the line, and the domain classifier's own."""
        from matplotlib import pyplot

        names: Mapping[str, str] = {"source": "no adaptation", "dann": "adaptation"}
        figure, panels = pyplot.subplots(1, len(names), figsize=(10, 4.2))
        for axes, (name, title) in zip(panels, names.items(), strict=True):
            across, down, odds = self._plane(name)
            axes.contour(across, down, odds, levels=[0], colors="black")
            for label, color in enumerate(("tab:red", "tab:green")):
                axes.scatter(*self.source.chosen(self.source.labels == label).images.T.numpy(), s=9, color=color)
            axes.scatter(*self.target.images.T.numpy(), s=9, color="black", alpha=0.4)
            axes.set(title=title, xticks=[], yticks=[])
        save_figure(figure, folder / "moons.png")

    @torch.no_grad()
    def _plane(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """A grid over the points, and the log-odds of the second moon there."""
        reach = 1.1 * float(torch.cat((self.source.images, self.target.images)).abs().max())
        across, down = np.meshgrid(*2 * [np.linspace(-reach, reach, 150, dtype=np.float32)])
        points = torch.from_numpy(np.stack((across, down), axis=-1).reshape(-1, 2)).to(self.device)
        logits = self.trainings[name].network(points)
        return across, down, (logits[:, 1] - logits[:, 0]).cpu().numpy().reshape(across.shape)


def moons(count: int, degrees: float, seed: int) -> Domain:
    """Two half circles around the origin that reach into each other, turned; float points [count, 2]."""
    from sklearn.datasets import make_moons

    points, labels = make_moons(count, noise=0.1, random_state=seed)
    angle = np.deg2rad(degrees)
    turn = np.array(((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))))
    turned = (points - (0.5, 0.25)) @ turn
    return Domain(torch.from_numpy(turned.astype(np.float32)), torch.from_numpy(labels.astype(np.int64)))
