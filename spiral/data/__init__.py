"""Real pictures, all in one form: uint8 [N, H, W, C], dark ink on white, C = 1 grey or 3 RGB.

A data set has a name, such as `mnist`, `characters` or `folder:PATH` (any folder of pictures); `catalogue.py` has the
table of them. `digits` stands for the best digits at hand; `resolve` says which.
"""

from spiral.data.catalogue import (
    DIGITS,
    DatasetInfo,
    catalogue,
    data_root,
    find,
    load,
    load_digits,
    load_pictures,
    prepare,
    resolve,
)
from spiral.data.pictures import DatasetCorrupt, DatasetError, DatasetMissing, Pictures, Split

__all__ = [
    "DIGITS",
    "DatasetCorrupt",
    "DatasetError",
    "DatasetInfo",
    "DatasetMissing",
    "Pictures",
    "Split",
    "catalogue",
    "data_root",
    "find",
    "load",
    "load_digits",
    "load_pictures",
    "prepare",
    "resolve",
]
