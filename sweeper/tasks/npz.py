"""Images in a numpy archive, pixels as they are.

    x_train, y_train, x_test, y_test (x_val, y_val)     split as given, val else dealt
    train_images, train_labels, val_images, ...         the same
    images, labels (or x, y)                            dealt to train, val and test

Images are uint8 [N, H, W] or [N, H, W, 1 or 3], labels integers [N] or [N, 1], or texts. Class
names come from a JSON file beside the archive (`mnist.json`, see `class_names`), else they are the
labels. An image is called by the digest of its pixels. Nothing is ever unpickled.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from sweeper.errors import InputError, Problem
from sweeper.tasks import class_names
from sweeper.tasks.checked import shortened, stamp
from sweeper.tasks.collection import Collection
from sweeper.tasks.held import Held
from sweeper.tasks.labels import Written, alike, label_all
from sweeper.tasks.listing import CALLED

# keys of images and of labels -> the split that they are of
PAIRS = {(f"x_{name}", f"y_{name}"): split for name, split in CALLED.items()}
PAIRS |= {(f"{name}_images", f"{name}_labels"): split for name, split in CALLED.items()}
PAIRS |= {("images", "labels"): "", ("x", "y"): ""}
KEYS = "x_train, y_train, x_test, y_test (and x_val, y_val), or images and labels"


@dataclass(frozen=True)
class _Part:
    """The images of one split: their key in the archive, and their labels."""

    split: str
    key: str
    labels: list[Written]


def collection(root: Path) -> Collection:
    """The images in the archive `root`. Raises InputError where it holds none as told above."""
    parts = _parts(root)
    slots = [(part.key, number) for part in parts for number in range(len(part.labels))]
    held: Held[str, NDArray[Any]] = Held(lambda key: _images(root, key))
    beside = class_names.beside(root)

    def place(number: int) -> str:
        key, at = slots[number]
        return f"{root}, {key}[{at}]"

    written = [label for part in parts for label in part.labels]
    found = label_all(written, class_names.read(beside), place, str(root))
    watched = ((str(path), path.stat() if path.is_file() else None) for path in (root, beside))
    return Collection(
        stamp=stamp(root, watched),
        root=root,
        classes=found.classes,
        declared=tuple(part.split for part in parts),
        labels=found.labels,
        given=[part.split for part in parts for _ in part.labels],
        names=None,
        place=place,
        data=lambda number: _netpbm(held[slots[number][0]][slots[number][1]]),
        where=lambda split, label: (
            f"{root}, class '{found.classes[label]}'" + (f" in {split}" if split else "")
        ),
        hint="Add images of it, or drop the class.",
        problems=(*shortened(found.problems, str(root)),),
        notes=tuple(alike(found.classes, str(root))),
    )


def _parts(root: Path) -> list[_Part]:
    """What the archive holds. Raises InputError with all that is wrong with its arrays."""
    parts: list[_Part] = []
    problems: list[Problem] = []
    with _opened(root) as archive:
        for (key, labels), split in PAIRS.items():
            if {key, labels} <= {*archive.files}:
                written = _array(root, archive, labels)
                problems += _unfit(root, key, _array(root, archive, key), labels, written)
                parts.append(_Part(split, key, written.reshape(-1).tolist()))
        splits = [part.split for part in parts]
        if not parts or len({*splits}) < len(splits) or ("" in splits and len(splits) > 1):
            said = f"arrays {', '.join(sorted(archive.files)) or 'none'}"
            problems.append(Problem(str(root), said, KEYS))
    if problems:
        raise InputError(problems)
    return parts


def _unfit(
    root: Path, key: str, images: NDArray[Any], other: str, labels: NDArray[Any]
) -> Iterator[Problem]:
    """What is wrong with a pair of arrays."""
    form, channels = images.shape, images.shape[3:]
    if images.dtype != np.uint8 or len(form) not in (3, 4) or 0 in form[1:]:
        said = f"{key} is {images.dtype} {list(form)}"
        yield Problem(str(root), said, "uint8 [N, H, W] or [N, H, W, 1 or 3]")
    elif channels not in ((), (1,), (3,)):
        hint = "Put the channels last." if form[1] in (1, 3) else ""
        yield Problem(str(root), f"{key} is {list(form)}", "1 or 3 channels, in the end", hint)
    if labels.dtype.kind not in "iuU" or labels.shape not in ((len(images),), (len(images), 1)):
        said = f"{other} is {labels.dtype} {list(labels.shape)}"
        yield Problem(str(root), said, f"integers or texts [{len(images)}], one for each image")


def _opened(root: Path) -> np.lib.npyio.NpzFile:
    try:
        found = np.load(root, allow_pickle=False)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise InputError(_damaged(root, error)) from error
    if not isinstance(found, np.lib.npyio.NpzFile):
        raise InputError(Problem(str(root), "a single array", "an archive of arrays with labels"))
    return found


def _array(root: Path, archive: np.lib.npyio.NpzFile, key: str) -> NDArray[Any]:
    try:
        found: NDArray[Any] = archive[key]
    except (OSError, ValueError, EOFError, MemoryError, BadZipFile, zlib.error) as error:
        raise InputError(_damaged(root, error, key)) from error
    return found


def _images(root: Path, key: str) -> NDArray[Any]:
    with _opened(root) as archive:
        return _array(root, archive, key)


def _damaged(root: Path, error: Exception, key: str = "") -> Problem:
    said = f"{key} is unreadable ({error})" if key else f"unreadable ({error})"
    return Problem(str(root), said, "a whole archive of plain arrays, nothing pickled")


def _netpbm(pixels: NDArray[np.uint8]) -> bytes:
    """An image file of `pixels` [H, W] or [H, W, 1 or 3]."""
    height, width = pixels.shape[:2]
    kind = "P6" if pixels.shape[2:] == (3,) else "P5"
    return f"{kind} {width} {height} 255\n".encode() + pixels.tobytes()
