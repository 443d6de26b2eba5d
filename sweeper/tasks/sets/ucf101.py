"""UCF101 as images: the middle frame of each video, which CoOp's authors have extracted.

Splits: CoOp's `split_zhou_UCF101.json` where it lies beside the frames. Where it does not, the
official lists 01 (`ucfTrainTestlist/`), of whose train split 20 % of each class is val.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from sweeper.tasks.dataset import DataSet
from sweeper.tasks.listing import Listing
from sweeper.tasks.release import Release, place, require, rows
from sweeper.tasks.split_zhou import given_or_cut

SPLIT_FILE = "split_zhou_UCF101.json"
LISTS = {"train": "trainlist01.txt", "test": "testlist01.txt"}
INDEX = "classInd.txt"
SOURCE = (
    "https://github.com/KaiyangZhou/CoOp, DATASETS.md: UCF-101-midframes.zip unpacked in ucf101/; "
    f"for the papers' splits {SPLIT_FILE} in ucf101/, or ucfTrainTestlist/ of "
    "https://www.crcv.ucf.edu/data/UCF101.php there"
)


def _read(root: Path) -> Listing:
    images = place(root, ["ucf101/UCF-101-midframes"], SOURCE)

    def release() -> Release:
        lists = [f"ucfTrainTestlist/{name}" for name in (INDEX, *LISTS.values())]
        folder = require(images.parent, lists, SOURCE) / "ucfTrainTestlist"
        actions = rows(folder / INDEX, _numbered, "number action")
        labels = {action: number - 1 for number, action in actions}
        names = sorted(labels, key=lambda action: labels[action])

        def parse(line: str) -> tuple[str, int]:
            action, file = line.split(" ")[0].split("/")
            frame = PurePosixPath(file).with_suffix(".jpg").name
            return f"{_split(action)}/{frame}", labels[action]

        parts = {
            part: rows(folder / name, parse, f"action/video, of an action in {INDEX}")
            for part, name in LISTS.items()
        }
        return Release(images, tuple(_split(name).replace("_", " ") for name in names), parts)

    return given_or_cut(SPLIT_FILE, (images.parent, root), images, release)


def _numbered(line: str) -> tuple[int, str]:
    number, action = line.split(" ")
    return int(number), action


def _split(action: str) -> str:
    """'ApplyEyeMakeup' -> 'Apply_Eye_Makeup', as the folders of frames are called."""
    return "_".join(re.findall("[A-Z][^A-Z]*", action))


SETS = (
    DataSet(
        name="ucf101",
        description="middle frames of videos of 101 human actions",
        classes=101,
        sizes={
            "split_zhou": {"train": 7_639, "val": 1_898, "test": 3_783},
            "generated": {"train+val": 9_537, "test": 3_783},
        },
        template="This is a photo of a {}",
        licence="not stated",
        source=SOURCE,
        read=_read,
        templates={"coop": "a photo of a person doing {}."},
        papers=("pgn", "vp", "upt"),
    ),
)
