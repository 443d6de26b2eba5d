"""The public data sets of the papers, one family a file: each file lists its own in `SETS`.

A file in this folder is its own registration. Nothing heavy is imported before a set is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from sweeper.tasks.dataset import DataSet


@cache
def data_sets() -> Mapping[str, DataSet]:
    """Every data set by its name."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return {each.name: each for module in modules for each in getattr(module, "SETS", ())}
