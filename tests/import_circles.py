"""A contract for `lint-imports`: no modules import each other in a circle, be it within their functions.

Import Linter's own `acyclic_siblings` is about packages as wholes; here `a.x -> b.y -> a.z` is no circle.
"""

from __future__ import annotations

from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.application import contract_utils
from importlinter.domain.imports import ImportExpression

Circle = tuple[str, ...]  # each module imports the next one, and the last one the first


class NoImportCircles(Contract):
    """Kept where no module comes back to itself by its imports; `ignore_imports` are left out."""

    type_name = "no_import_circles"

    ignore_imports = fields.SetField(subfield=fields.ImportExpressionField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Whether it is kept, with the imports of the circles that were found."""
        del verbose
        removal = contract_utils.remove_ignored_imports_and_report(
            graph=graph,
            ignore_imports=list(cast("set[ImportExpression] | None", self.ignore_imports) or ()),
            unmatched_alerting=contract_utils.AlertLevel.ERROR,
        )
        circles = [_imports(graph, circle) for circle in find_circles(graph)]
        return ContractCheck(
            kept=not circles,
            warnings=list(removal.warnings),
            ignored_import_count=removal.ignored_import_count,
            metadata={"circles": circles},
        )

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each circle, an import a line."""
        for circle in cast(list[list[str]], check.metadata["circles"]):
            output.print("A circle: move what these modules share to one that all of them can import.")
            for step in circle:
                output.print_error(f"    {step}")
            output.new_line()


def find_circles(graph: ImportGraph) -> list[Circle]:
    """The shortest circles, of which no two have an import in common, so that each needs a cut of its own."""
    found = {circle for module in sorted(graph.modules) for circle in _circles_through(graph, module)}
    kept: list[Circle] = []
    used: set[tuple[str, str]] = set()
    for circle in sorted(found, key=lambda circle: (len(circle), circle)):
        steps = set(_steps(circle))
        if not steps & used:
            kept.append(circle)
            used |= steps
    return kept


def _circles_through(graph: ImportGraph, module: str) -> list[Circle]:
    """The shortest circle by each import of a module, written from the first of its names on."""
    circles = []
    for imported in graph.find_modules_directly_imported_by(module):
        # A package "imports" itself where the name that it takes from itself is no file of Python's.
        if imported != module and (way_back := graph.find_shortest_chain(imported, module)):
            circle = (module, *way_back[:-1])
            first = circle.index(min(circle))
            circles.append(circle[first:] + circle[:first])
    return circles


def _steps(circle: Circle) -> list[tuple[str, str]]:
    return list(zip(circle, (*circle[1:], circle[0]), strict=True))


def _imports(graph: ImportGraph, circle: Circle) -> list[str]:
    """The imports of a circle in words, with the lines where they stand."""
    lines = []
    for importer, imported in _steps(circle):
        places = graph.get_import_details(importer=importer, imported=imported)
        lines.append(f"{importer} -> {imported} (line {', '.join(str(place['line_number']) for place in places)})")
    return lines
