"""Any folder of images as a task: one sub-folder per class.

    my_images/<class>/*.jpg                     dealt 60 / 20 / 20 to train, val, test (`deal`)
    my_images/{train,val,test}/<class>/*.jpg    as given; val or test, where absent, is dealt
                                                from train, 20 % each

A class is named after its folder, underscores read as spaces. Hidden files, files that are not
images, deeper folders and links to folders are left out, with a warning that counts them.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import torch

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError, Problem
from sweeper.tasks.deal import deal
from sweeper.tasks.image import SUFFIXES, decode, read_splits, unreadable
from sweeper.tasks.task import Task, TaskInfo

TEMPLATE = "This is a photo of a {}"
RULE = "folder-1"  # a new rule for splits or class names is new data: count this up
SHARES = {"test": 0.2, "val": 0.2}
SPLITS = ("train", "val", "test")
SOURCES = ("", "train")  # what other splits are dealt from: the whole folder, or train


@dataclass
class _Listing:
    """What stands in a folder: split ('' where not given) -> class -> files, by relative name."""

    files: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def classes(self) -> list[str]:
        """The names of class folders, over all splits."""
        return sorted({name for found in self.files.values() for name in found})

    def shares(self) -> dict[str, float]:
        """The splits that nobody gave, with the share of images that each is dealt."""
        return {split: share for split, share in SHARES.items() if split not in self.files}

    def names(self) -> list[str]:
        """All images."""
        groups = (group for found in self.files.values() for group in found.values())
        return sorted(name for group in groups for name in group)


def describe(root: Path) -> TaskInfo:
    """What is known of the folder `root`, each of its images decoded once to be sure.

    Raises InputError with all that is wrong with it.
    """
    root = root.resolve()
    return _examined(root, _stamp(root))[0]


def load(root: Path, preprocessing: Preprocessing) -> Task:
    """The images of the folder `root` at the backbone's size. Raises InputError as `describe`."""
    root = root.resolve()
    info, splits = _examined(root, _stamp(root))
    return Task(info, **read_splits(root, splits, preprocessing))


def _stamp(root: Path) -> tuple[tuple[str, int, int], ...]:
    """Names, sizes and times of all images: while it stays the same, so does what was read."""
    found = ((name, root / name) for name in _list(root).names())
    stats = ((name, path.stat()) for name, path in found if path.exists())
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


@lru_cache(maxsize=64)
def _examined(root: Path, stamp: object) -> tuple[TaskInfo, dict[str, dict[str, int]]]:  # noqa: ARG001
    """Description, and split -> file -> label, of the folder in the state that `stamp` tells."""
    listing = _list(root)
    if listing.left_out:
        logging.getLogger(__name__).warning(
            "%s: left out %d entries that are not images in a class folder, such as %s",
            root,
            len(listing.left_out),
            ", ".join(listing.left_out[:3]),
        )
    digest, broken = _read(root, listing.names())
    problems = [*_misplaced(root, listing), *broken]
    if problems:
        raise InputError(problems)
    splits = _split(listing)
    info = TaskInfo(
        name=root.name,
        data=digest,
        description=f"{len(listing.names())} images in {len(listing.classes())} folders",
        classes=tuple(map(_readable, listing.classes())),
        template=TEMPLATE,
        sizes={split: len(found) for split, found in splits.items()},
    )
    return info, splits


def _list(root: Path) -> _Listing:
    if not root.is_dir():
        raise InputError(Problem(str(root), "no such folder", "a folder with one folder per class"))
    listing = _Listing()
    top = _folders(root, root, listing)
    given = {folder.name: folder for folder in top if folder.name in SPLITS}
    if "train" in given and len(given) == len(top):
        groups = {split: _folders(root, folder, listing) for split, folder in given.items()}
    else:
        groups = {"": top}
    for split, folders in groups.items():
        listing.files[split] = {folder.name: _images(root, folder, listing) for folder in folders}
    return listing


def _folders(root: Path, at: Path, listing: _Listing) -> list[Path]:
    """The visible folders in `at`; links are not followed, so nothing outside is reached."""
    found = []
    for path in sorted(at.iterdir()):
        if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
            found.append(path)
        else:
            listing.left_out.append(str(path.relative_to(root)))
    return found


def _images(root: Path, at: Path, listing: _Listing) -> list[str]:
    """The images in `at`, by their names relative to `root`."""
    found = []
    for path in sorted(at.iterdir()):
        name = path.relative_to(root).as_posix()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and not path.is_dir():
            found.append(name)
        else:
            listing.left_out.append(name)
    return found


def _read(root: Path, names: list[str]) -> tuple[str, list[Problem]]:
    """Digest of names and contents (16 hexadecimal digits), and the images that are broken."""

    def content(name: str) -> str | Problem:
        try:
            data = (root / name).read_bytes()
            decode(data)
        except (OSError, ValueError) as error:
            return unreadable(root / name, error)
        return hashlib.sha256(data).hexdigest()

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        found = list(pool.map(content, names))
    digest = hashlib.sha256(RULE.encode())
    for name, one in zip(names, found, strict=True):
        digest.update(f"{name}\0{one}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16], [one for one in found if isinstance(one, Problem)]


def _misplaced(root: Path, listing: _Listing) -> Iterator[Problem]:
    """What is wrong with the folders."""
    classes = listing.classes()
    if len(classes) < 2:
        yield Problem(
            str(root),
            f"{len(classes)} class folders" if len(classes) != 1 else f"one class, '{classes[0]}'",
            "at least 2 folders, one per class",
            "Put the images of each class into a folder named after it.",
        )
    seen: dict[str, str] = {}
    for name in classes:
        twin = seen.setdefault(_readable(name), name)
        if twin != name:
            yield Problem(str(root), f"'{twin}' and '{name}'", "class names that differ", "")
    for split, found in listing.files.items():
        least = 1 + (len(listing.shares()) if split in SOURCES else 0)
        for name in classes:
            where, count = str(root / split / name), len(found.get(name, ()))
            if name not in found:
                yield Problem(where, "no such folder", f"images of '{name}' in every split")
            elif count == 0:
                yield Problem(
                    where,
                    "an empty class",
                    "images in it",
                    "Images in deeper folders do not count.",
                )
            elif count < least:
                yield Problem(
                    where,
                    f"{count} images",
                    f"at least {least}, one for each split",
                    "Add images, or make train, val and test folders.",
                )


def _split(listing: _Listing) -> dict[str, dict[str, int]]:
    """Split -> file -> label, for train, val and test."""
    splits: dict[str, dict[str, int]] = {split: {} for split in SPLITS}
    for label, name in enumerate(listing.classes()):
        for given, found in listing.files.items():
            dealt = (
                deal(found[name], listing.shares()) if given in SOURCES else {given: found[name]}
            )
            for split, files in dealt.items():
                splits[split] |= dict.fromkeys(sorted(files), label)
    return splits


def _readable(folder: str) -> str:
    return folder.replace("_", " ")
