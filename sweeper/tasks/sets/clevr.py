"""CLEVR, how many objects a scene has (three to ten), read by torchvision.

The official val split is the test split, as the papers use it (that of the official test split has
no labels). Val is 10 % of each class of the official training images, chosen by the hashes of
their names. Classes are VP's words (section 4.2); PGN's public code writes digits.
"""

from __future__ import annotations

from pathlib import Path

from sweeper.errors import InputError, Problem
from sweeper.tasks.arrays import VAL_SHARE
from sweeper.tasks.dataset import DataSet
from sweeper.tasks.files import Rows
from sweeper.tasks.listing import Listing
from sweeper.tasks.release import Release, cut, place

FOLDER = "clevr/CLEVR_v1.0"
SOURCE = "https://cs.stanford.edu/people/jcjohns/clevr: CLEVR_v1.0.zip, unpacked in clevr/"
COUNTS = ("three", "four", "five", "six", "seven", "eight", "nine", "ten")


def _read(root: Path) -> Listing:
    scenes = [f"scenes/CLEVR_{split}_scenes.json" for split in ("train", "val")]
    found = place(root, [FOLDER], SOURCE, [*scenes, "images/train", "images/val"])
    parts = {
        part: _part(root, found, split) for part, split in (("train", "train"), ("test", "val"))
    }
    return cut(Release(found / "images", COUNTS, parts), {"val": VAL_SHARE})


def _part(root: Path, found: Path, split: str) -> Rows:
    from torchvision.datasets import CLEVRClassification  # seconds to import

    scenes = found / "scenes" / f"CLEVR_{split}_scenes.json"
    try:
        counted = CLEVRClassification(root, split, loader=str)  # a loader that opens nothing
    except (ValueError, KeyError, TypeError) as error:
        got = f"{type(error).__name__}: {error}"
        raise InputError(
            Problem(str(scenes), got, "a scene for each image", "Replace the file.")
        ) from error
    images = found / "images"
    return [
        (Path(path).relative_to(images).as_posix(), count - 3)
        for path, count in (counted[place] for place in range(len(counted)))
    ]


SETS = (
    DataSet(
        name="clevr_count",
        description="rendered scenes, classified by the number of objects",
        classes=len(COUNTS),
        sizes={"generated": {"train+val": 70_000, "test": 15_000}},
        template="This is a photo of {} objects",
        licence="CC BY 4.0",
        source=SOURCE,
        read=_read,
        papers=("pgn", "vp"),
    ),
)
