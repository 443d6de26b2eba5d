"""Tiny data sets in the formats of their releases, written by the tests that read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sweeper.tasks.dataset import DataSet
from sweeper.tasks.listing import Listing
from sweeper.tasks.sets import data_sets

SPLITS = ("train", "val", "test")


def paint(path: Path, level: int = 0) -> None:
    """An image in one grey."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((6, 8, 3), level, dtype=np.uint8)).save(path)


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def folders(root: Path, classes: Iterable[str], count: int) -> None:
    """A folder of `count` images for each class."""
    for label, name in enumerate(classes):
        for number in range(count):
            paint(root / name / f"{number}.jpg", level=10 * label + number)


def split_file(path: Path, splits: Mapping[str, list[list[Any]]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(splits))


def small(name: str, classes: int, **sizes: tuple[int, int, int]) -> DataSet:
    """The data set, declared as small as a test writes it: rule -> images in train, val, test."""
    given = {rule: dict(zip(SPLITS, counts, strict=True)) for rule, counts in sizes.items()}
    return replace(data_sets()[name], classes=classes, sizes=given)


def named(listing: Listing, images: Path) -> dict[str, dict[str, int]]:
    """Split -> file relative to `images` -> label."""
    return {
        split: {
            Path(found.name(n)).relative_to(images).as_posix(): found.labels[n]
            for n in range(len(found))
        }
        for split, found in listing.splits.items()
    }
