"""CIFAR-10 and CIFAR-100 from the files of their authors, read by torchvision.

Val is 10 % of each class of the official training images, chosen by the hash of an image's
place in the file; `train_on: train+val` gives back the 50,000 images that the papers train on.
The template is PGN's paper's (its Table 7); its public code says "A photo of a" for CIFAR-100.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError, Problem
from sweeper.tasks.deal import shuffled
from sweeper.tasks.image import resize
from sweeper.tasks.task import Split, Task, TaskInfo

SETS = {"cifar10": "cifar-10", "cifar100": "cifar-100"}  # by the names of their archives
FOLDERS = {"cifar10": "cifar-10-batches-py", "cifar100": "cifar-100-python"}
SOURCE = "https://www.cs.toronto.edu/~kriz"
VAL_SHARE = 0.1


def describe(name: str, root: Path) -> TaskInfo:
    """What is known of `name` (of `SETS`) under the data folder `root`; decodes nothing."""
    place = root / FOLDERS[name]
    missing = f"{place} is missing: unpack {SOURCE}/{SETS[name]}-python.tar.gz in {root}"
    return TaskInfo(
        name=name,
        data=f"{name}-1",
        description="small natural images, official test split, val cut from train",
        classes=_classes(name, root) if place.is_dir() else (),
        template="This is a photo of a {}",
        sizes={"train": 45_000, "val": 5_000, "test": 10_000},
        available="" if place.is_dir() else missing,
    )


def load(name: str, root: Path, preprocessing: Preprocessing) -> Task:
    """All splits at the backbone's size. Raises InputError where the files are damaged."""
    images, labels = _read(name, root, train=True)
    val: set[int] = set()
    for label in range(int(labels.max()) + 1):
        places = shuffled([str(place) for place in (labels == label).nonzero()[:, 0].tolist()])
        val.update(map(int, places[: round(VAL_SHARE * len(places))]))
    held = torch.zeros(len(labels), dtype=torch.bool)
    held[list(val)] = True

    def split(pixels: Tensor, targets: Tensor) -> Split:
        size = preprocessing.size
        found = torch.empty(len(pixels), 3, size, size, dtype=torch.uint8)
        for start in range(0, len(pixels), 1000):
            found[start : start + 1000] = resize(pixels[start : start + 1000], preprocessing)
        return Split(found, targets)

    return Task(
        describe(name, root),
        split(images[~held], labels[~held]),
        split(images[held], labels[held]),
        split(*_read(name, root, train=False)),
    )


def _read(name: str, root: Path, *, train: bool) -> tuple[Tensor, Tensor]:
    """Images uint8 [N, 3, 32, 32] and labels [N], in the order of the files."""
    found = _open(name, root, train=train)
    images = torch.from_numpy(found.data).permute(0, 3, 1, 2).contiguous()
    return images, torch.tensor(found.targets, dtype=torch.int64)


def _open(name: str, root: Path, *, train: bool) -> Any:
    from torchvision import datasets  # seconds to import, and few runs need it

    kind = datasets.CIFAR10 if name == "cifar10" else datasets.CIFAR100
    try:
        return kind(root, train=train, download=False)
    except RuntimeError as error:  # torchvision compares checksums
        place = str(root / FOLDERS[name])
        raise InputError(
            Problem(place, "incomplete or damaged files", "the released ones", str(error))
        ) from error


def _classes(name: str, root: Path) -> tuple[str, ...]:
    return tuple(label.replace("_", " ") for label in _open(name, root, train=False).classes)
