"""How right a translation is: manipulation accuracy, and relative discrepancy.

Let f_k(x) be what a reader reads of factor k in a picture x. A translation F(a, b) of a by the guide b should have
y*_k = f_k(a) where k is shared by the domains, and y*_k = f_k(b) where it is b's own.

    ACC_k = p(f_k(F(a, b)) = y*_k | f_k(a) ≠ f_k(b))                        for classes
    ACC_k = p(|f_k(F(a, b)) − y*_k| ≤ |f_k(F(a, b)) − y'_k|)                for numbers, y' the other of the two
    RD = 100 Σ_k |ACC_k^S − ACC_k^C| / Σ_k (ACC_k^S + ACC_k^C)              k as a specific factor, and as a common one

A factor that does not vary in the target domain is not counted, as whoever draws anything of that domain has it right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from spiral.methods.rift.pictures import Domain
from spiral.methods.rift.reading import REAL

BINS = 8  # that a number is sorted into where bits are counted
Translate = Callable[[Tensor, Tensor, bool], Tensor]  # pictures, guides, whether to B
Read = Callable[[Tensor], Mapping[str, Tensor]]


@dataclass(frozen=True)
class Task:
    """Two domains and what they share.

    Attributes:
        name: of the split.
        train_a, train_b, held_a, held_b: pictures to train on, and held-out ones.
        shared, own_a, own_b: the factors by name.
        classes: of each factor, `REAL` where it is a number.
    """

    name: str
    train_a: Domain
    train_b: Domain
    held_a: Domain
    held_b: Domain
    shared: tuple[str, ...]
    own_a: tuple[str, ...]
    own_b: tuple[str, ...]
    classes: Mapping[str, int]

    def pairs(self, count: int, to_b: bool, seed: int) -> tuple[Domain, Domain]:
        """Held-out pictures and guides of the other domain, so many of each, by chance."""
        generator = torch.Generator().manual_seed(seed)
        source, target = (self.held_a, self.held_b) if to_b else (self.held_b, self.held_a)
        chosen = [torch.randint(len(domain), (count,), generator=generator) for domain in (source, target)]
        return source.where(chosen[0].to(source.images.device)), target.where(chosen[1].to(source.images.device))

    def labels(self, name: str, values: Tensor) -> Tensor:
        """What was read of a factor, int64 [N]: classes as they are, and numbers sorted into bins of their range."""
        if self.classes[name] == REAL:
            values = (values.clamp(0, 1) * (BINS - 1)).round()
        return values.long().cpu()


def accuracies(task: Task, translate: Translate, read: Read, count: int, seed: int) -> dict[str, float]:
    """ACC_k of each factor, the mean over the directions in which it is counted."""
    found: dict[str, list[float]] = {}
    for to_b in (True, False):
        drawn, of_source, of_guide = read_pairs(task, translate, read, count, to_b, seed)
        for name in (*task.shared, *(task.own_b if to_b else task.own_a)):
            wanted, other = (of_source, of_guide) if name in task.shared else (of_guide, of_source)
            right = manipulated(drawn[name], wanted[name], other[name], task.classes[name] == REAL)
            if right is not None:
                found.setdefault(name, []).append(right)
    return {name: sum(values) / len(values) for name, values in found.items()}


def read_pairs(
    task: Task, translate: Translate, read: Read, count: int, to_b: bool, seed: int
) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor], Mapping[str, Tensor]]:
    """The factors of so many translations, of their pictures and of their guides, each [N] by name."""
    pictures, guides = (domain.inputs() for domain in task.pairs(count, to_b, seed))
    return read(translate(pictures, guides, to_b)), read(pictures), read(guides)


def manipulated(drawn: Tensor, wanted: Tensor, other: Tensor, real: bool) -> float | None:
    """ACC_k of what was read [N], what should be, and what should not; None where both are always the same."""
    if real:
        return float(((drawn - wanted).abs() <= (drawn - other).abs()).float().mean())
    differ = wanted != other
    return float((drawn == wanted)[differ].float().mean()) if differ.any() else None


def relative_discrepancy(specific: Mapping[str, float], common: Mapping[str, float]) -> float:
    """RD of the accuracies of the factors, by name; of those that are in both."""
    pairs = [(specific[name], common[name]) for name in specific if name in common]
    total = sum(one + other for one, other in pairs)
    return 100 * sum(abs(one - other) for one, other in pairs) / total if total else 0.0


def random_translation(task: Task, seed: int) -> Translate:
    """What draws any picture of the target domain, whatever it is given."""
    generator = torch.Generator().manual_seed(seed)

    def translate(pictures: Tensor, guides: Tensor, to_b: bool) -> Tensor:
        domain = task.train_b if to_b else task.train_a
        chosen = torch.randint(len(domain), (len(pictures),), generator=generator)
        return domain.inputs(chosen.to(pictures.device))

    return translate
