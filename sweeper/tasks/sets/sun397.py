"""SUN397 from its unpacked archive (`SUN397/ClassName.txt`, `SUN397/a/abbey/sun_*.jpg`).

Splits: CoOp's `split_zhou_SUN397.json` where it lies beside `SUN397/` or in it. Else official
partition 1 (`Training_01.txt`, `Testing_01.txt`, at the same places), of whose train split 20 % of
each class is val. Else 100 images of each class, the first by the hash of their names: 40 % train,
10 % val, 50 % test, the sizes of the official partitions.

PGN's and VP's tables print 15,888 training images; 397 classes of 50 less 20 % make 15,880.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sweeper.tasks.dataset import DataSet
from sweeper.tasks.deal import shuffled
from sweeper.tasks.files import Rows
from sweeper.tasks.listing import Listing
from sweeper.tasks.release import Release, cut, place, require, rows
from sweeper.tasks.split_zhou import read

SPLIT_FILE = "split_zhou_SUN397.json"
PARTITION = {"train": "Training_01.txt", "test": "Testing_01.txt"}
PER_CLASS = 100
SHARES = {"test": 0.5, "val": 0.1}
SIZES = {"train": 15_880, "val": 3_970, "test": 19_850}
SOURCE = (
    "http://vision.princeton.edu/projects/2010/SUN (SUN397.tar.gz, Partitions.zip): SUN397/ in the "
    f"data folder or in sun397/ of it; for the papers' splits {SPLIT_FILE} beside it "
    "(https://github.com/KaiyangZhou/CoOp, DATASETS.md)"
)


def _read(root: Path) -> Listing:
    images = place(root, ["sun397/SUN397", "SUN397"], SOURCE)
    places = (images.parent, images)
    for each in places:
        if (each / SPLIT_FILE).is_file():
            return read(each / SPLIT_FILE, images)
    require(images, ["ClassName.txt"], SOURCE)
    paths = rows(images / "ClassName.txt", _path, "/letter/class")
    classes = tuple(map(_readable, paths))
    for each in places:
        if all((each / name).is_file() for name in PARTITION.values()):
            labels = {path: label for label, path in enumerate(paths)}
            parts = {part: _listed(each / name, labels) for part, name in PARTITION.items()}
            return cut(Release(images, classes, parts))
    found = cut(Release(images, classes, {"all": _chosen(images, paths)}), SHARES)
    rule = "generated without partitions"
    return replace(found, rule=rule, identity=f"{rule}-{found.identity.rpartition('-')[2]}")


def _path(line: str) -> str:
    if not line.startswith("/") or "/" not in line[1:]:
        raise ValueError(line)
    return line[1:]


def _listed(path: Path, labels: dict[str, int]) -> Rows:
    """The images that a partition names: '/a/abbey/sun_1.jpg'."""

    def parse(line: str) -> tuple[str, int]:
        name = _path(line)
        return name, labels[name.rpartition("/")[0]]

    return rows(path, parse, "/class/image, of a class in ClassName.txt")


def _chosen(images: Path, paths: list[str]) -> Rows:
    chosen = []
    for label, path in enumerate(paths):
        names = [f"{path}/{file.name}" for file in (images / path).glob("sun_*.jpg")]
        chosen += [(name, label) for name in shuffled(names)[:PER_CLASS]]
    return chosen


def _readable(path: str) -> str:
    """'a/apartment_building/outdoor' -> 'outdoor apartment building', as CoOp reads it."""
    return " ".join(reversed(path.split("/")[1:])).replace("_", " ")


SETS = (
    DataSet(
        name="sun397",
        description="397 kinds of scenes",
        classes=397,
        sizes={"split_zhou": SIZES, "generated": SIZES, "generated without partitions": SIZES},
        template="This is a photo of a {}",
        licence="not stated",
        source=SOURCE,
        read=_read,
        templates={"coop": "a photo of a {}."},
        papers=("pgn", "vp", "upt"),
    ),
)
