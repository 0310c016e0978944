"""A section of settings, checked when it is read: what is wrong is named with the value given and what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

Size = Annotated[int, Field(ge=1, le=2**20)]  # of layers and batches
Count = Annotated[int, Field(ge=0, le=2**20)]  # of what may be left out


class ConfigError(ValueError):
    """A setting is unknown or out of range; the message names it, the value given and what is allowed."""


class Section(BaseModel):
    """Settings that refuse unknown names and never change after they were read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


SectionType = TypeVar("SectionType", bound=Section)


def parse_section(
    section: type[SectionType], document: dict[str, Any], path: tuple[str, ...] = (), beside: Sequence[str] = ()
) -> SectionType:
    """The settings of one section, which messages call by its `path`; in the same place others were read, `beside` it.

    Raises:
        ConfigError: naming every setting that is wrong, the value given, and what is allowed.
    """
    try:
        return section.model_validate(document)
    except ValidationError as error:
        raise ConfigError("; ".join(_explain(problem, section, path, beside) for problem in error.errors())) from None


def _explain(problem: ErrorDetails, section: type[Section], path: tuple[str, ...], beside: Sequence[str]) -> str:
    place = ".".join(map(str, (*path, *problem["loc"]))) or "settings"
    if problem["type"] == "extra_forbidden":
        parent = ".".join(map(str, (*path, *problem["loc"][:-1]))) or "settings"
        there = [*beside, *_settings_of(section, problem["loc"][:-1])]
        return f"no setting {place!r}; {parent} has {', '.join(there) or 'none'}"
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])  # one of our own, which says what was given
    return f"{place}: {problem['msg']} (given: {_shortened(problem['input'])})"


def _shortened(value: object) -> str:
    """What was given, as far as a line has room for it."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _settings_of(section: type[BaseModel], path: Sequence[int | str]) -> list[str]:
    """The names of the settings in the section that `path` leads to, through lists as well."""
    for name in path:
        if isinstance(name, str):
            kind = section.model_fields[name].annotation
            section = next((part for part in (kind, *get_args(kind)) if _is_section(part)), section)
    return [field.alias or name for name, field in section.model_fields.items()]


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
