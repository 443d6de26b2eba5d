"""A public data set as a paper uses it: what is declared of it, and who reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sweeper.errors import InputError, Problem
from sweeper.tasks.listing import Listing

Metric = Literal["top-1", "mean per class", "macro F1"]


class Missing(Exception):
    """The files of a data set are not there. The text says which, and how to get them."""


@dataclass(frozen=True)
class DataSet:
    """One task of a paper. A module of `sweeper.tasks.sets` lists its own in `SETS`."""

    name: str
    description: str
    classes: int  # K
    # Rule of the splits -> split -> images, as declared. 'train+val' is the sum of both, where only
    # that is known.
    sizes: Mapping[str, Mapping[str, int]]
    template: str  # with '{}' for the class name
    licence: str
    source: str  # where it comes from, and what of it goes where under the data folder
    # Lists what is under the data folder; raises Missing, or InputError where it is damaged.
    read: Callable[[Path], Listing]
    metric: Metric = "top-1"  # measured beside top-1 where it is another
    templates: Mapping[str, str] = field(default_factory=dict)  # others by name: `coop`
    papers: tuple[str, ...] = ()  # that use it: 'pgn', 'vp', 'upt', 'spt'

    def listing(self, root: Path) -> Listing:
        """What stands under the data folder `root`, with the number of classes and images declared.

        Raises Missing; InputError with every count that is wrong.
        """
        found = self.read(root)
        problems = []
        if len(found.classes) != self.classes:
            problems.append(self._wrong("classes", len(found.classes), self.classes))
        for split, expected in self.sizes[found.rule].items():
            got = sum(len(found.splits[part]) for part in split.split("+"))
            if got != expected:
                problems.append(self._wrong(f"images in {split} ({found.rule})", got, expected))
        if problems:
            raise InputError(problems)
        return found

    def _wrong(self, what: str, got: int, expected: int) -> Problem:
        hint = f"Complete or replace the files: {self.source}"
        return Problem(f"task '{self.name}'", f"{got:,} {what}", f"{expected:,}", hint)
