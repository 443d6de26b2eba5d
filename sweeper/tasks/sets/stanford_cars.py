"""Stanford Cars, read by torchvision.

Splits and names of classes: CoOp's `split_zhou_StanfordCars.json` where it lies beside the images.
Where it does not, the official test split, and 20 % of each class of train is val, by the hashes of
the names of the images. A class is called year, make, model, as CoOp does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sweeper.tasks.dataset import DataSet
from sweeper.tasks.files import Rows
from sweeper.tasks.listing import Listing
from sweeper.tasks.matlab import matlab
from sweeper.tasks.release import Release, place, require
from sweeper.tasks.split_zhou import given_or_cut

SPLIT_FILE = "split_zhou_StanfordCars.json"
NEEDED = (
    "cars_train",
    "cars_test",
    "devkit/cars_meta.mat",
    "devkit/cars_train_annos.mat",
    "cars_test_annos_withlabels.mat",
)
SOURCE = (
    "a copy of Stanford Cars (its own site is gone): cars_train/, cars_test/, devkit/ and "
    f"cars_test_annos_withlabels.mat in stanford_cars/; for the papers' splits {SPLIT_FILE} there "
    "(https://github.com/KaiyangZhou/CoOp, DATASETS.md)"
)


def _read(root: Path) -> Listing:
    found = place(root, ["stanford_cars"], SOURCE, NEEDED[:2])

    def release() -> Release:
        require(found, NEEDED[2:], SOURCE)
        train, test = (_open(root, split) for split in ("train", "test"))
        parts = {"train": _files(found, train), "test": _files(found, test)}
        return Release(found, tuple(map(_year_first, train.classes)), parts)

    return given_or_cut(SPLIT_FILE, (found, root), found, release)


def _open(root: Path, split: str) -> Any:
    from torchvision.datasets import StanfordCars  # seconds to import, and few runs need it

    with matlab(root / "stanford_cars"):
        return StanfordCars(root, split, loader=str)  # a loader that opens nothing


def _files(found: Path, cars: Any) -> Rows:
    entries = (cars[place] for place in range(len(cars)))
    return [(Path(path).relative_to(found).as_posix(), int(label)) for path, label in entries]


def _year_first(name: str) -> str:
    """'AM General Hummer SUV 2000' -> '2000 AM General Hummer SUV'."""
    model, _, year = name.rpartition(" ")
    return f"{year} {model}"


SETS = (
    DataSet(
        name="stanford_cars",
        description="cars of 196 makes, models and years",
        classes=196,
        sizes={
            "split_zhou": {"train": 6_509, "val": 1_635, "test": 8_041},
            "generated": {"train+val": 8_144, "test": 8_041},
        },
        template="a photo of a {}.",
        licence="not stated",
        source=SOURCE,
        read=_read,
        templates={"coop": "a photo of a {}."},
        papers=("upt",),
    ),
)
