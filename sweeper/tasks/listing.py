"""What stands on disk of a data set, nothing decoded.

Symbols: N images of a split, H and W pixels as found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

SPLITS = ("train", "val", "test")
CALLED = {"valid": "val", "validation": "val"} | {
    name: name for name in SPLITS
}  # as others call them


@dataclass(frozen=True)
class Pictures:
    """One split. Both functions take the number of an image, from 0, and are asked by many threads
    at a time; `read` raises OSError or ValueError with the reason where an image is broken.
    """

    labels: Sequence[int]  # N of them, from 0
    name: Callable[[int], str]  # how an error calls it: a path, or 'train.parquet, row 17'
    read: Callable[[int], Tensor]  # uint8 [3, H, W], see `sweeper.tasks.image.decode`

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Listing:
    """The classes and splits that were found, and who says which image belongs to which split."""

    classes: tuple[str, ...]  # by label, as one reads them
    splits: Mapping[str, Pictures]  # of `SPLITS`
    rule: str  # 'official', 'split_zhou', 'generated' and their like, shown in reports
    identity: str  # of the data: another one wherever other images, labels or splits come out
    notes: tuple[str, ...] = ()  # what a user should know, such as files that were left out
    test_classes: tuple[int, ...] = ()  # labels that test is classified among; empty: all
