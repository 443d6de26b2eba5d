"""Tiny data sets in the formats of the released ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from PIL import Image

from sweeper.tasks.dataset import DataSet
from sweeper.tasks.listing import Listing
from sweeper.tasks.sets import data_sets


def picture(path: Path, value: int) -> None:
    """A whole image of one grey value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (6, 4), value).save(path)


def tiny(name: str, classes: int, **sizes: tuple[int, int, int]) -> DataSet:
    """The data set `name`, declared with other counts; a '_' in the name of a rule is a space."""
    declared = {
        rule.replace("_", " "): dict(zip(("train", "val", "test"), counts, strict=True))
        for rule, counts in sizes.items()
    }
    return replace(data_sets()[name], classes=classes, sizes=declared)


def labels_by_file(found: Listing) -> Mapping[str, list[tuple[str, int]]]:
    """Split -> names of files with the names of their folders, and labels, as listed."""
    return {
        split: [
            ("/".join(Path(pictures.name(n)).parts[-2:]), pictures.labels[n])
            for n in range(len(pictures))
        ]
        for split, pictures in found.splits.items()
    }


def grey(found: Listing, split: str, number: int) -> int:
    """The value of an image that `picture` made."""
    image = found.splits[split].read(number)
    assert image.shape == (3, 4, 6)
    assert image.float().std() < 1.0
    return round(image.float().mean().item())
