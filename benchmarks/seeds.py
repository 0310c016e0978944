"""The tables of one fit with several seeds as one: `python -m benchmarks.seeds runs/dann-0 runs/dann-1 runs/dann-2`.

Each figure that differs between the folders is shown as its median and all values behind it, in the order of the
folders, as Markdown for the documentation.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import TypeAdapter

from spiral.files import read_json
from spiral.methods.experiment import Table
from spiral.methods.fitting import RESULTS

TABLES = TypeAdapter(list[Table])


def joined(folders: list[Path]) -> list[Table]:
    """The tables of the fits in `folders`, each with the median and every fit's value where these differ.

    Raises:
        ValueError: the folders are of different experiments, or of such as have rows of their own.
        OSError: a folder has no results.
    """
    fits = [TABLES.validate_python(read_json(folder / RESULTS)) for folder in folders]
    return [_joined(list(alike)) for alike in zip(*fits, strict=True)]


def _joined(tables: list[Table]) -> Table:
    first = tables[0]
    for table in tables:
        if (table.title, table.columns, len(table.rows)) != (first.title, first.columns, len(first.rows)):
            raise ValueError(f"{table.title!r} and {first.title!r} are not tables of one experiment")
    rows = [
        tuple(_cell(list(cells)) for cells in zip(*alike, strict=True))
        for alike in zip(*(table.rows for table in tables), strict=True)
    ]
    return Table(first.title, first.columns, list(rows), first.note)


def _cell(values: list[str | float | None]) -> str:
    shown = [_shown(value) for value in values]
    if len(set(shown)) == 1:
        return shown[0]
    numbers = [value for value in values if isinstance(value, (int, float))]
    every = ", ".join(shown)
    return f"{_shown(median(numbers))} ({every})" if len(numbers) == len(values) else every


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def markdown(table: Table) -> str:
    """The table as Markdown shows it."""
    lines = [table.columns, ("---",) * len(table.columns), *table.rows]
    return "\n".join([f"**{table.title}**", "", *("| " + " | ".join(map(str, line)) + " |" for line in lines)])


if __name__ == "__main__":
    print("\n\n".join(map(markdown, joined([Path(name) for name in sys.argv[1:]]))))
