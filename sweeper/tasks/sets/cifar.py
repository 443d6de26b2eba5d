"""CIFAR-10 and CIFAR-100 from the files of their authors, read by torchvision.

Val is 10 % of each class of the official training images, chosen by the hash of an image's
place in the file; `train_on: train+val` gives back the 50,000 images that the papers train on.
The template is PGN's paper's (its Table 7); its public code says "A photo of a" for CIFAR-100.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch

from sweeper.errors import InputError, Problem
from sweeper.tasks.arrays import held_out, pictures
from sweeper.tasks.dataset import DataSet
from sweeper.tasks.listing import Listing
from sweeper.tasks.release import place

FOLDERS = {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}
ARCHIVES = {"cifar10": "cifar-10-python.tar.gz", "cifar100": "cifar-100-python.tar.gz"}
URL = "https://www.cs.toronto.edu/~kriz"


def _source(name: str) -> str:
    return f"{URL}/{ARCHIVES[name]}, unpacked in the data folder or in {name}/ of it"


def _read(name: str, root: Path) -> Listing:
    folder = FOLDERS[name]
    found = place(root, [folder, f"{name}/{folder}"], _source(name)).parent
    train, test = (_open(name, found, train=train) for train in (True, False))
    kept, val = held_out(train.targets)
    images = torch.from_numpy(train.data).permute(0, 3, 1, 2)
    return Listing(
        classes=tuple(label.replace("_", " ") for label in train.classes),
        splits={
            "train": pictures(f"{name} train", images, train.targets, kept),
            "val": pictures(f"{name} train", images, train.targets, val),
            "test": pictures(
                f"{name} test", torch.from_numpy(test.data).permute(0, 3, 1, 2), test.targets
            ),
        },
        rule="generated",
        identity=f"{name}-1",
    )


def _open(name: str, root: Path, *, train: bool) -> Any:
    from torchvision import datasets  # seconds to import, and few runs need it

    kind = datasets.CIFAR10 if name == "cifar10" else datasets.CIFAR100
    try:
        return kind(root, train=train, download=False)
    except RuntimeError as error:  # torchvision compares checksums
        where, got = str(root / FOLDERS[name]), "incomplete or damaged files"
        raise InputError(Problem(where, got, "the released ones", str(error))) from error


SETS = tuple(
    DataSet(
        name=name,
        description="small natural images, official test split, val cut from train",
        classes=classes,
        sizes={"generated": {"train": 45_000, "val": 5_000, "test": 10_000}},
        template="This is a photo of a {}",
        licence="not stated",
        source=_source(name),
        read=partial(_read, name),
        papers=("pgn", "vp"),
    )
    for name, classes in (("cifar10", 10), ("cifar100", 100))
)
