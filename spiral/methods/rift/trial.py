"""What every experiment of RIFT does with its tasks: train on them, read factors, and count bits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from spiral.methods.experiment import Experiment, Part, Row, Table
from spiral.methods.judgement import Judgement
from spiral.methods.pictures import save_rows
from spiral.methods.rift.baselines import Didd, Munit
from spiral.methods.rift.figures import save_bits
from spiral.methods.rift.following import following_table
from spiral.methods.rift.information import channel_information, read_information
from spiral.methods.rift.measures import Task, Translate, accuracies, random_translation
from spiral.methods.rift.model import capacity_bound, gaussian_capacity, heard
from spiral.methods.rift.pictures import Domain, in_chunks
from spiral.methods.rift.reading import Reading
from spiral.methods.rift.reward import judgement_of
from spiral.methods.rift.training import Rift, RiftOptions, Translating
from spiral.section import Size

NOISES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)  # with which guides are heard where bits are counted
SHOWN = 12  # translations in a row of a figure
SLACK = 0.01  # bits


class TrialOptions(RiftOptions):
    """`reader_steps` are of the reader of factors, `rival_steps` of each baseline."""

    reader_steps: Size = 600
    rival_steps: Size = 2500


class Trial(Experiment):
    """A reader, and translations of each task: RIFT, and its rivals.

    Attributes:
        tasks: the pairs of domains.
        reading: the training of the reader.
        methods: by name, each with its part for every task.
    """

    Options = TrialOptions
    options: TrialOptions
    tasks: list[Task]
    reading: Reading
    methods: dict[str, list[Translating]]

    def prepare(self, tasks: list[Task], free: Domain, others: Mapping[str, Callable[[Task], Translating]]) -> None:
        """Take the tasks, pictures from which the reader learns their factors, and what RIFT is compared with."""
        options = self.options
        self.tasks = tasks
        self.reading = Reading(options.reader_steps, free, tasks[0].classes, self.seed)
        self.rifts = [Rift(options, task.train_a, task.train_b, self.seed) for task in tasks]
        made = {name: [make(task) for task in tasks] for name, make in others.items()}
        self.methods = {"rift": list(self.rifts), **made}
        named: dict[str, Part] = {
            f"{method}-{task.name}": part
            for method, parts in self.methods.items()
            for task, part in zip(tasks, parts, strict=True)
        }
        self.parts = {"reader": self.reading} | named

    def rivals(self) -> dict[str, Callable[[Task], Translating]]:
        """The baselines by name."""
        options, seed = self.options, self.seed
        return {
            "munit-like": lambda task: Munit(options, options.rival_steps, task.train_a, task.train_b, seed),
            "didd-like": lambda task: Didd(options, options.rival_steps, task.train_a, task.train_b, seed),
        }

    def found(self) -> dict[str, list[dict[str, float]]]:
        """ACC of each factor in percent, for each method and task; drawing any picture is the last method."""
        options = self.options
        translations: dict[str, list[Translate]] = {
            name: [part.translated for part in parts] for name, parts in self.methods.items()
        }
        translations["random"] = [random_translation(task, self.seed) for task in self.tasks]
        return {
            name: [
                _percent(accuracies(task, translate, self.reading.read, options.measured, self.seed))
                for task, translate in zip(self.tasks, each, strict=True)
            ]
            for name, each in translations.items()
        }

    def details(self, found: Mapping[str, Sequence[Mapping[str, float]]]) -> list[Table]:
        """What stands below the accuracies that were `found`: theirs by factor, whence they come, and the bits."""
        return [self.factor_table(found), self.following_table(), self.reader_table(), self.bits_table()]

    def reader_table(self) -> Table:
        """How well factors are read, which bounds what can be said of translations."""
        rows: list[Row] = []
        for task in self.tasks:
            both = [self.reading.accuracy(domain) for domain in (task.held_a, task.held_b)]
            varying = (set(task.shared) | set(task.own_a), set(task.shared) | set(task.own_b))
            means = [
                100 * sum(found[name] for name in names) / len(names)
                for found, names in zip(both, varying, strict=True)
            ]
            rows.append((task.name, *means))
        columns = ("domains", "of A", "of B")
        return Table("Factors that the reader reads right in held-out pictures, %", columns, rows, "numbers: r")

    def factor_table(self, found: Mapping[str, Sequence[Mapping[str, float]]]) -> Table:
        """ACC of RIFT by factor, beside that of the best rival."""
        rows: list[Row] = []
        for place, task in enumerate(self.tasks):
            for role, names in (("shared", task.shared), ("A's own", task.own_a), ("B's own", task.own_b)):
                for name in names:
                    figures = [found[method][place].get(name) for method in (*self.methods, "random")]
                    rows.append((f"{task.name}: {name.replace('_', ' ')}, {role}", *figures))
        columns = ("factor", *self.methods, "random")
        return Table("Manipulation accuracy by factor, %", columns, rows)

    def following_table(self) -> Table:
        """Whom RIFT's translations follow."""
        translations = [rift.translated for rift in self.rifts]
        return following_table(self.tasks, translations, self.reading.read, self.options.measured, self.seed)

    def bits_table(self) -> Table:
        """The counts of theorem 1, at the noise of the training and at that where it holds most narrowly."""
        rows: list[Row] = []
        for task, rift in zip(self.tasks, self.rifts, strict=True):
            counted = self.bits(task, rift)
            chosen = self.options.noise
            at = min(range(len(NOISES)), key=lambda i: abs(NOISES[i] - chosen))
            held = sum(in_order(row) for row in counted)
            rows.append((task.name, *counted[at], f"{held} of {len(counted)}"))
        columns = ("domains", "read in F", "MI(s; s + ε)", "Gaussian bound", "theorem 1", "in order at how many σ")
        return Table(
            f"Theorem 1: bits of a through the guide, at σ = {self.options.noise:g}", columns, rows, "of A's guides"
        )

    def bits(self, task: Task, rift: Rift) -> list[tuple[float, ...]]:
        """For each of `NOISES`, the four counts: of a's own factors read in F(b, a), of the channel, and the bounds."""
        generator = torch.Generator().manual_seed(self.seed)
        shown = task.train_a.first(self.options.measured).inputs()
        chosen = torch.randint(len(task.train_b), (len(shown),), generator=generator)
        pictures = task.train_b.inputs(chosen.to(shown.device))
        guides = in_chunks(lambda some: rift.guides_of(some, False), shown)
        dimensions, power = guides[0].numel(), float(guides.square().sum((1, 2, 3)).mean())
        truth = self.reading.read(shown)
        counted: list[tuple[float, ...]] = []
        for noise in NOISES:
            said = heard(guides, noise, generator)
            drawn = in_chunks(lambda some, heard_in_it: rift.guided(some, heard_in_it, False), pictures, said)
            read = self.reading.read(drawn)
            told = 0.0
            for name in task.own_a:
                asked, answered = (task.labels(name, each[name]) for each in (truth, read))
                told += read_information(asked, answered, generator)
            bounds = (gaussian_capacity(dimensions, power, noise), capacity_bound(dimensions, power, noise))
            counted.append((told, channel_information(guides, noise, generator), *bounds))
        return counted

    def draw(self, folder: Path) -> None:
        """Rows of pictures, their guides and RIFT's translations, towards B and towards A; and the bits."""
        for task, rift in zip(self.tasks, self.rifts, strict=True):
            rows: list[Tensor] = []
            for to_b in (True, False):
                pictures, guides = (domain.inputs() for domain in task.pairs(SHOWN, to_b, self.seed))
                rows += [pictures, guides, rift.translated(pictures, guides, to_b)]
            save_rows(rows, folder / f"{task.name}.png", black=-1)
        bits = {task.name: self.bits(task, rift) for task, rift in zip(self.tasks, self.rifts, strict=True)}
        save_bits(NOISES, bits, folder / "bits.png")

    def judgement(self) -> Judgement:
        """The networks of the first task, and held-out guides of both its domains."""
        return judgement_of(self.rifts[0], self.tasks[0])


def mean(values: Mapping[str, float]) -> float:
    """The mean over factors."""
    return sum(values.values()) / len(values)


def _percent(values: Mapping[str, float]) -> dict[str, float]:
    return {name: 100 * value for name, value in values.items()}


def in_order(counts: Sequence[float]) -> bool:
    """Whether no count of bits is above the next one, as far as they are drawn and not known."""
    return all(one <= other + SLACK for one, other in pairwise(counts))
