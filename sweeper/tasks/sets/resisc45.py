"""NWPU-RESISC45, aerial scenes, from its class folders.

Splits: PGN's `resisc45_json.json` where it lies beside them. Where it does not, each class is cut
60 / 20 / 20 by the hashes of the names of its images.
"""

from __future__ import annotations

from pathlib import Path

from sweeper.tasks import split_zhou
from sweeper.tasks.dataset import DataSet
from sweeper.tasks.listing import Listing
from sweeper.tasks.release import Release, class_folders, cut, place

SPLIT_FILE = "resisc45_json.json"
SHARES = {"train": 0.6, "val": 0.2}
SIZES = {"train": 18_900, "val": 6_300, "test": 6_300}
SOURCE = (
    "the authors of NWPU-RESISC45: its class folders in resisc45/images/ or "
    f"resisc45/NWPU-RESISC45/; {SPLIT_FILE} of PGN's public code (data/resisc45) in resisc45/"
)


def _read(root: Path) -> Listing:
    images = place(root, ["resisc45/images", "resisc45/NWPU-RESISC45", "NWPU-RESISC45"], SOURCE)
    given = images.parent / SPLIT_FILE
    if given.is_file():
        return split_zhou.read(given, images, "resisc45_json")
    folders, files = class_folders(images)
    classes = tuple(name.replace("_", " ") for name in folders)
    return cut(Release(images, classes, {"all": files}), SHARES)


SETS = (
    DataSet(
        name="resisc45",
        description="aerial scenes of 45 kinds",
        classes=45,
        sizes={"resisc45_json": SIZES, "generated": SIZES},
        template="This is a photo of a {}",
        licence="not stated",
        source=SOURCE,
        read=_read,
        papers=("pgn", "vp"),
    ),
)
