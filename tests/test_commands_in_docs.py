"""The commands that README.md and docs name exist with the options that they show, and every command is named there."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from cluster.cli import app

ROOT = Path(__file__).parents[1]
PAGES = {
    page: page.read_text(encoding="utf-8") for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
}
TEXT = "\n".join(PAGES.values())


def shown() -> list[tuple[str, str]]:
    """Each command line with the name of its page: those in blocks, and those between the words."""
    found = []
    for page, text in PAGES.items():
        for block in re.findall(r"```(?:sh|bash|console)\n(.*?)```", text, re.DOTALL):
            found += [(page.name, line) for line in block.replace("\\\n", " ").splitlines()]
        found += [
            (page.name, words) for words in re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))
        ]
    return found


def words_of(line: str, first: str) -> list[str] | None:
    """The words that follow `first` in a command line, which may begin with variables; None of another command."""
    if not re.match(rf"(\$ )?([A-Z_]+=\S* )*{re.escape(first)}(\s|$)", line.strip()):
        return None
    words = shlex.split(line.partition(first)[2], comments=True)
    ends = [place for place, word in enumerate(words) if word in ("&", "&&", "|", ";", ">")]
    return words[: ends[0]] if ends else words


SPIRAL = [(page, words) for page, line in shown() if (words := words_of(line, "spiral")) is not None]
MODULES = {words[0] for _, line in shown() if (words := words_of(line, "python -m"))}


@pytest.mark.parametrize("page, words", SPIRAL, ids=lambda value: " ".join(value) if isinstance(value, list) else value)
def test_a_command_has_the_options_that_are_shown(page: str, words: list[str]) -> None:
    command: Any = typer.main.get_command(app)
    while words and not words[0].startswith("-") and hasattr(command, "commands"):
        assert words[0] in command.commands, f"{page}: there is no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
    sent = words.index("--") if "--" in words else len(words)
    options = [word.partition("=")[0] for word in words[:sent] if re.match(r"--[a-z]", word)]
    assert not set(options) - known, f"{page}: no such option"


def test_what_is_run_as_a_module_is_there() -> None:
    ours = {name for name in MODULES if name.split(".")[0] in ("benchmarks", "examples", "cluster")}
    assert {"benchmarks.fuzz", "examples.sb3_default"} <= ours
    for name in ours:
        assert importlib.util.find_spec(name) is not None, name


def test_every_command_is_named() -> None:
    command: Any = typer.main.get_command(app)
    for name, inner in command.commands.items():
        assert f"spiral {name}" in TEXT
        for own in getattr(inner, "commands", {}):
            # A row of the table names several: `spiral bench env`, `loop`.
            assert re.search(rf"spiral {name}( {own}|[^\n|]*`{own}`)", TEXT), f"spiral {name} {own} is named nowhere"
