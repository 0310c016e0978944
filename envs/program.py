"""A picture as a program: the environment's id, its settings and the actions, in one JSON document.

Pixels depend on settings and actions alone, so a program replays to the picture that its episode ended with. As it says
how the picture is made and not what it looks like, it can also be painted at another size or with another brush, or
written as SVG (Ganin et al. 2018, section 6.5.2, figure 6.6).
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from envs import PAINT_ID, SCENES_ID, SCENES_V1_ID, entry
from envs.other_brush import warn_of_other_brush
from envs.own import EnvironmentNotFound, is_own, loaded_class
from envs.paint_settings import PaintSettings
from envs.scene_settings import SceneSettings, ScenesV1Settings
from envs.settings import Settings, SettingsError, whole
from envs.svg import painting_to_svg

FORMAT = "spiral-program"
VERSION = 1
LARGEST_FILE = 1 << 26  # bytes; a command of a painting takes some 50

# What the settings of each environment are read with.
SETTINGS: dict[str, type[Settings]] = {
    PAINT_ID: PaintSettings,
    SCENES_ID: SceneSettings,
    SCENES_V1_ID: ScenesV1Settings,
}


class ProgramError(ValueError):
    """A document is not a program, or asks for what its environment does not have."""


@dataclass(frozen=True, eq=False)
class Program:
    """The actions of one episode, and where they are done.

    Attributes:
        env_id: the environment's Gymnasium id.
        settings: its keyword arguments; those left out have their defaults.
        actions: indices, int64 [steps, heads], at most `episode_length` steps.
        brush_fingerprint: of the brush that they were painted with, see `envs.pymypaint.brushes.Brush`; None where that
            is not known, or there is none.
        page: width and height of the picture where it is no square, in pixels of a canvas whose upper left part it is;
            None is the whole canvas.

    Raises:
        ProgramError: the environment is unknown, or does not have these settings, actions or page.
    """

    env_id: str
    settings: Mapping[str, Any]
    actions: NDArray[np.int64]
    brush_fingerprint: str | None = None
    page: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        try:
            read = _settings_type(self.env_id).from_keywords(self.settings)
        except SettingsError as error:
            raise ProgramError(f"in the settings, {error}") from error
        if not isinstance(self.brush_fingerprint, str | None):
            raise ProgramError(f"brush_fingerprint is {self.brush_fingerprint!r}; give a text, or leave it out")
        object.__setattr__(self, "settings", read.to_json())
        object.__setattr__(self, "actions", _checked_actions(self.actions, read))
        object.__setattr__(self, "page", _checked_page(self.page, read.canvas_size))

    @property
    def parsed_settings(self) -> Settings:
        """The settings as the record that the environment is made with."""
        return _settings_type(self.env_id).from_keywords(self.settings)

    @property
    def shape(self) -> tuple[int, int]:
        """Width and height of the picture, in pixels of the canvas."""
        side = self.parsed_settings.canvas_size
        return self.page or (side, side)

    def replay(self) -> NDArray[np.uint8]:
        """The picture that the episode ended with, uint8 [height, width, channels]; see `frames`."""
        for frame in self.frames():
            final = frame
        return final

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """The canvas before the first and after every action, steps + 1 times uint8 [height, width, channels].

        They come one by one, since a large canvas is in memory once and not for every action.

        Warns:
            OtherBrushWarning: its brush was another one than what is found here.
        """
        env: Any = _make(self.env_id, dict(self.settings)).unwrapped
        width, height = self.shape
        try:
            warn_of_other_brush(env.settings, env.brush_fingerprint, self.brush_fingerprint, "this program was painted")
            observation, _ = env.reset()
            yield observation["canvas"][:height, :width]
            for action in self.actions:
                observation, *_ = env.step(action)
                yield observation["canvas"][:height, :width]
        finally:
            env.close()

    def render(self, size: int | None = None, brush: str | None = None) -> NDArray[np.uint8]:
        """The picture at another size, with another brush, or both, uint8 [height, width, channels].

        It is painted anew at that size, with brush sizes in proportion; nothing is enlarged.

        Args:
            size: width and height of the canvas in pixels; None is the size of the episode.
            brush: a brush by name or file, with which nothing is compared; None is that of the episode.

        Raises:
            ProgramError: the environment cannot show such a size.
            BrushNotFoundError: there is no such brush.
        """
        program = self if size is None else self.at_size(size)
        if brush is not None:
            program = replace(program, settings={**program.settings, "brush": brush}, brush_fingerprint=None)
        return program.replay()

    def at_size(self, size: int) -> Program:
        """The same commands on a canvas of `size` pixels, with brush sizes in proportion.

        Raises:
            ProgramError: the environment cannot show such a size.
        """
        before = self.parsed_settings
        try:
            settings = before.at_size(size)
        except SettingsError as error:
            raise ProgramError(str(error)) from error
        width, height = (max(1, round(side * settings.canvas_size / before.canvas_size)) for side in self.shape)
        return replace(self, settings=settings.to_json(), page=None if self.page is None else (width, height))

    def to_svg(self, size: int = 512) -> str:
        """The picture as an SVG document, to be shown at `size` pixels; see `envs.svg` for what it leaves out.

        Raises:
            ProgramError: the program is no painting.
        """
        settings = self.parsed_settings
        if not isinstance(settings, PaintSettings):
            raise ProgramError(
                f"a program of {self.env_id} has no SVG: only paintings, of {PAINT_ID}, are made of curves"
            )
        return painting_to_svg(settings, self.actions, size, self.shape)

    def to_json(self) -> dict[str, Any]:
        """The document, as plain JSON values."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "environment": self.env_id,
            "settings": dict(self.settings),
            **({} if self.brush_fingerprint is None else {"brush_fingerprint": self.brush_fingerprint}),
            **({} if self.page is None else {"page": list(self.page)}),
            "heads": [head.name for head in self.parsed_settings.action_spec.heads],
            "actions": self.actions.tolist(),
        }

    @classmethod
    def from_json(cls, document: Any) -> Program:
        """The program that `to_json` wrote.

        Raises:
            ProgramError: the document is not a program.
        """
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ProgramError(f'not a program: a JSON object with "format": "{FORMAT}" was expected')
        if document.get("version") != VERSION:
            raise ProgramError(f"format version is {document.get('version')!r}; this release reads version {VERSION}")
        missing = [name for name in ("environment", "settings", "heads", "actions") if name not in document]
        if missing:
            raise ProgramError(f"not a program: {', '.join(missing)} not there")
        if not isinstance(document["environment"], str) or not isinstance(document["settings"], dict):
            raise ProgramError("not a program: environment must be a text, and settings an object")
        fingerprint = document.get("brush_fingerprint")  # documents of before this was recorded have none
        page = document.get("page")
        program = cls(document["environment"], document["settings"], document["actions"], fingerprint, page)
        heads = [head.name for head in program.parsed_settings.action_spec.heads]
        if document["heads"] != heads:
            raise ProgramError(f"heads are {document['heads']!r}; these settings call for {heads}")
        return program

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the document to `path`; a reader never sees half of it. A link stays, and so does a folder."""
        place = Path(os.path.realpath(path))
        if place.exists() and not place.is_file():
            Path(path).write_text(self.to_text(), encoding="utf-8")  # into a device or a pipe; a folder refuses
            return
        unfinished = place.with_name(f".{secrets.token_hex(4)}.{place.name[-100:]}")
        try:
            unfinished.write_text(self.to_text(), encoding="utf-8")
            os.replace(unfinished, place)
        finally:
            unfinished.unlink(missing_ok=True)

    def to_text(self) -> str:
        """The document as text; `from_json` reads what `json.loads` makes of it."""
        # One action a line keeps the document readable and its changes small.
        lines = ",\n".join("  " + json.dumps(action) for action in self.actions.tolist())
        head = json.dumps({**self.to_json(), "actions": None}, indent=1)
        return head.replace('"actions": null', f'"actions": [\n{lines}\n ]') + "\n"

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Program:
        """The program in the file at `path`.

        Raises:
            ProgramError: the file holds no program; a file that is not there raises FileNotFoundError.
        """
        try:
            with Path(path).open("rb") as file:  # a device may have no end
                content = file.read(LARGEST_FILE + 1)
            if len(content) > LARGEST_FILE:
                raise ProgramError(f"more than {LARGEST_FILE:,} bytes; a program is a small JSON file")
            return cls.from_json(json.loads(content.decode("utf-8")))
        except ProgramError as error:
            raise ProgramError(f"{path}: {error}") from error
        except (ValueError, RecursionError) as error:  # also of a number with more digits than Python reads
            raise ProgramError(f"{path} is not JSON: {error}") from error


def _settings_type(env_id: str) -> type[Settings]:
    """What the settings of an environment are read with."""
    if env_id in SETTINGS:
        return SETTINGS[env_id]
    if not is_own(env_id):
        raise ProgramError(f"environment is {env_id!r}; programs are known for {', '.join(SETTINGS)}")
    try:
        settings_type: type[Settings] = loaded_class(env_id).settings_type
    except EnvironmentNotFound as error:
        raise ProgramError(str(error)) from error
    return settings_type


def _make(env_id: str, settings: dict[str, Any]) -> gymnasium.Env[Any, Any]:
    """The environment of a program whose settings were read."""
    if env_id in SETTINGS:
        return gymnasium.make(entry(env_id), **settings)
    env: gymnasium.Env[Any, Any] = loaded_class(env_id)(**settings)
    return env


def _checked_actions(actions: Any, settings: Settings) -> NDArray[np.int64]:
    """A copy of `actions` as int64 [steps, heads], if an episode can consist of them."""
    try:
        given = np.array(actions)
        if given.size == 0:
            return np.zeros((0, len(settings.action_spec.heads)), np.int64)
        settings.action_spec.check(given)
    except ValueError as error:
        raise ProgramError(f"in the actions, {error}") from error
    if given.ndim != 2 or len(given) > settings.episode_length:
        raise ProgramError(
            f"actions have shape {given.shape}; give [steps, heads] with at most {settings.episode_length} steps, "
            "the episode_length of the settings"
        )
    return given.astype(np.int64)


def _checked_page(page: Any, canvas_size: int) -> tuple[int, int] | None:
    """The page as a tuple, if it is part of a canvas."""
    if page is None:
        return None
    try:
        width, height = (whole("page", side, 1, canvas_size) for side in page)
    except (TypeError, ValueError):
        raise ProgramError(
            f"page is {page!r}; give width and height, each a whole number from 1 to {canvas_size}, the canvas_size, "
            "or leave it out"
        ) from None
    return width, height
