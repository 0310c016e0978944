"""A benchmark as a command: what a person cannot have is said in one line."""

from __future__ import annotations

from collections.abc import Callable

import typer

from cluster.cli import is_user_error
from cluster.commands.error_messages import error_message


def answer(main: Callable[..., None], name: str, words: list[str]) -> int:
    """The exit status of the command with these words."""
    app = typer.Typer(add_completion=False)
    app.command()(main)
    try:
        app(words, standalone_mode=False)
    except Exception as error:
        line, ends_with = error_message(error, is_user_error(error))
        typer.echo(f"{name}: {line}", err=True)
        return ends_with
    return 0
