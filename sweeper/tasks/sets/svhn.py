"""SVHN, cropped digits, from the files of its authors, read by torchvision.

Val is 10 % of each class of the official training images, chosen by the hash of an image's
place in the file; `train_on: train+val` gives back the 73,257 images that the papers train on.
The classes are digits, as PGN's public code writes them.
"""

from __future__ import annotations

from pathlib import Path

import torch

from sweeper.errors import InputError, Problem
from sweeper.tasks.arrays import held_out, pictures
from sweeper.tasks.dataset import DataSet
from sweeper.tasks.listing import Listing
from sweeper.tasks.release import place

FILES = ("train_32x32.mat", "test_32x32.mat")
SOURCE = "http://ufldl.stanford.edu/housenumbers: both files in svhn/ of the data folder, or in it"


def _read(root: Path) -> Listing:
    found = place(root, ["svhn", "."], SOURCE, FILES)
    from torchvision.datasets import SVHN  # seconds to import, and few runs need it

    try:
        train, test = (SVHN(found, split, download=False) for split in ("train", "test"))
    except RuntimeError as error:  # torchvision compares checksums
        got = "incomplete or damaged files"
        raise InputError(Problem(str(found), got, "the released ones", str(error))) from error
    labels, images = train.labels.tolist(), torch.from_numpy(train.data)
    kept, val = held_out(labels)
    return Listing(
        classes=tuple(map(str, range(10))),
        splits={
            "train": pictures("svhn train", images, labels, kept),
            "val": pictures("svhn train", images, labels, val),
            "test": pictures("svhn test", torch.from_numpy(test.data), test.labels.tolist()),
        },
        rule="generated",
        identity="svhn-1",
    )


SETS = (
    DataSet(
        name="svhn",
        description="house numbers, one digit each, official test split, val cut from train",
        classes=10,
        sizes={"generated": {"train+val": 73_257, "test": 26_032}},
        template="This is a photo of a {}",
        licence="for non-commercial use only",
        source=SOURCE,
        read=_read,
        papers=("pgn", "vp"),
    ),
)
