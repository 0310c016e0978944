"""How the command answers when something is wrong: one line, and an exit status that says whose fault it was.

What the user can mend, named errors and whatever the system refuses, ends with 2, and the line has a way out.
Anything else is a fault of ours and ends with 70, `EX_SOFTWARE` of sysexits.h, and the line names a file with the whole
story.
"""

from __future__ import annotations

import errno
import os
import platform
import sys
import tempfile
import traceback
from importlib import metadata

import typer

MENDABLE, OURS = 2, 70
LONGEST_WORD = 300  # characters; a number of 5,000 digits is shown by its ends
LONGEST_LINE = 2000  # characters; so is a list of a thousand numbers, and the way out is at the end

MAKE_ROOM = "make room there, or name another place with --out, SPIRAL_DATA or TMPDIR"
WAYS_OUT = {
    errno.ENOSPC: MAKE_ROOM,
    errno.EDQUOT: MAKE_ROOM,
    errno.EFBIG: "raise the limit that `ulimit -f` shows, or name another place with --out",
    errno.EMFILE: "raise the limit that `ulimit -n` shows",
    errno.ENFILE: "close other programs, which have all files open that the system allows",
    errno.EROFS: "name a place that can be written to",
    errno.ENAMETOOLONG: "give a shorter name",
}


def error_message(error: Exception, mendable: bool) -> tuple[str, int]:
    """What to say of an error that reached the command, in one line, and the exit status."""
    if isinstance(error, typer.TyperException):
        return one_line(_about_words(error)), MENDABLE
    if mendable:
        return one_line(_in_words(error)), MENDABLE
    return one_line(_fault_of_ours(error)), OURS


def is_of_the_system(error: BaseException) -> bool:
    """Whether the system refused something: a file, a connection, memory."""
    if isinstance(error, OSError | MemoryError):
        return True
    # Torch has no class of its own for memory that is not there.
    return isinstance(error, RuntimeError) and ("can't allocate memory" in str(error) or "out of memory" in str(error))


def one_line(text: str) -> str:
    """The text without line breaks and control characters, cut in the middle where it is long, as are its words."""
    words = "".join(letter if letter.isprintable() else " " for letter in text).split()
    line = " ".join(word if len(word) <= LONGEST_WORD else f"{word[:100]}...{word[-50:]}" for word in words)
    return line if len(line) <= LONGEST_LINE else f"{line[:1000]} ... {line[-900:]}"


def _about_words(error: typer.TyperException) -> str:
    """What Typer says of words that it does not know, and how they are used."""
    message, context = error.format_message().replace("Value error, ", "").rstrip("."), getattr(error, "ctx", None)
    if not message or context is None:
        return message  # empty where the help was shown, since there were no words at all
    end = "" if message.endswith("?") else "."
    return f"{message}{_given(error)}{end} {context.get_usage()}; {context.command_path} --help says more"


def _given(error: typer.TyperException) -> str:
    """The value of the option that an error is about, as it was given."""
    names = getattr(getattr(error, "param", None), "opts", [])
    for word, following in zip(sys.argv, [*sys.argv[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name.startswith("-") and name in names:
            return f" (given: {value if equals else following!r})"
    return ""


def _in_words(error: BaseException) -> str:
    if isinstance(error, OSError):
        way_out = WAYS_OUT.get(error.errno or 0)
        return f"{error}: {way_out}" if way_out else str(error)
    if is_of_the_system(error):
        return f"this takes more memory than there is ({error or 'no more is given'}): ask for less at once"
    return str(error)


def _fault_of_ours(error: Exception) -> str:
    what = traceback.format_exception_only(error)[-1].strip()
    try:
        told = f"the whole story is in {_write_story(error)}: please report it with that file"
    except OSError:
        told = f"it happened at {_place_of(error)}: please report it with this line"
    return f"this is a fault of spiral's, not yours ({what:.300}); {told} to those from whom you have spiral"


def _write_story(error: Exception) -> str:
    """The name of a new file that holds the traceback, what was asked for, and the versions."""
    from cluster.on_redis.connection import hide_password  # not earlier: few errors need it

    versions = ", ".join(f"{name} {_version(name)}" for name in ("spiral-painter", "torch", "numpy", "ray", "mujoco"))
    asked = " ".join(map(hide_password, sys.argv))
    story = (f"spiral was asked: {asked}", f"Python {platform.python_version()} on {platform.platform()}", versions)
    descriptor, path = tempfile.mkstemp(prefix="spiral-fault-", suffix=".log")
    with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write("\n".join((*story, "", *traceback.format_exception(error))))
    return path


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _place_of(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{os.path.basename(last.filename)}, line {last.lineno}"
