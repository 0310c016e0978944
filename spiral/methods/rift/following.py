"""Whom a translation follows: the bits that each factor of it tells of the picture, and of the guide.

An accuracy says that a factor is not as it should be, but not where it comes from instead. Where a factor of A's own
and one of B's own are paired, so that one is drawn for the other, no loss objects; here it is seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from spiral.methods.experiment import Row, Table
from spiral.methods.rift.information import read_information
from spiral.methods.rift.measures import Read, Task, Translate, read_pairs

SHUFFLES = 20  # of which the bits of chance are taken


def following_table(tasks: Sequence[Task], translate: Sequence[Translate], read: Read, count: int, seed: int) -> Table:
    """A row for each factor that varies in a domain, of so many translations to it."""
    rows: list[Row] = []
    for task, translation in zip(tasks, translate, strict=True):
        for to_b in (True, False):
            rows += _rows(task, translation, to_b, read, count, seed)
    columns = ("factor that is drawn", "bits of the picture", "of its", "bits of the guide's own")
    return Table(
        "Whom translations follow", columns, rows, "less what chance shows; of the picture's factor told most of"
    )


def _rows(task: Task, translate: Translate, to_b: bool, read: Read, count: int, seed: int) -> list[Row]:
    generator = torch.Generator().manual_seed(seed)
    drawn, of_picture, of_guide = (
        {name: task.labels(name, values) for name, values in factors.items()}
        for factors in read_pairs(task, translate, read, count, to_b, seed)
    )
    lost, own = (task.own_a, task.own_b) if to_b else (task.own_b, task.own_a)
    rows: list[Row] = []

    def bits(truth: Tensor, name: str) -> float:
        return read_information(truth, drawn[name], generator, SHUFFLES)

    for name in (*task.shared, *own):
        told = {other: bits(of_picture[other], name) for other in (*task.shared, *lost)}
        most = max(told, key=told.__getitem__)
        followed = (told[most], most.replace("_", " "), bits(of_guide[name], name))
        rows.append((f"{task.name}, to {'B' if to_b else 'A'}: {name.replace('_', ' ')}", *followed))
    return rows
