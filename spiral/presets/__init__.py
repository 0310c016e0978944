"""The settings that have a name.

`reference` is the published painting agent (thesis, chapter 6 and appendix A). A preset is called after its data set;
with `-small` it learns on two processor cores, with `-plus` it is that of SPIRAL++ (Mellor et al. 2019); with
`-conditional` it copies pictures, and otherwise it invents them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from spiral.config import RunConfig, parse_config
from spiral.presets import digits, drawings, faces, photos, scenes
from spiral.presets.document import merged
from spiral.section import ConfigError

__all__ = ["PRESETS", "merged", "preset"]

PRESETS: dict[str, Callable[[], dict[str, Any]]] = {
    **digits.PRESETS,
    **drawings.PRESETS,
    **faces.PRESETS,
    **photos.PRESETS,
    **scenes.PRESETS,
}


def preset(name: str) -> RunConfig:
    """The settings called `name`.

    Raises:
        ConfigError: when there is no preset of that name.
    """
    if name not in PRESETS:
        raise ConfigError(f"no preset {name!r}; there are {', '.join(PRESETS)}")
    return parse_config({"preset": name, **PRESETS[name]()})
