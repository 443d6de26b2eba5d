"""Image files of a public release: where they lie, and which split each belongs to.

Symbols: K classes, N files of a split.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sweeper.errors import InputError, Problem
from sweeper.tasks import files
from sweeper.tasks.dataset import Missing
from sweeper.tasks.deal import portions
from sweeper.tasks.files import Rows
from sweeper.tasks.image import SUFFIXES
from sweeper.tasks.listing import SPLITS, Listing

Row = TypeVar("Row")

VAL_OF_TRAIN = {"val": 0.2}  # what CoOp cuts from an official train split
SHARES = {"train": 0.5, "val": 0.2}  # and of a set that nobody has divided; test gets the rest


@dataclass(frozen=True)
class Release:
    """What its authors say of their images."""

    images: Path  # the folder that names are relative to
    classes: tuple[str, ...]  # K of them
    parts: Mapping[str, Rows]  # 'all'; 'train' and 'test'; or 'train', 'val' and 'test'


def cut(release: Release, shares: Mapping[str, float] | None = None) -> Listing:
    """`release` in three splits. The rule is 'official' where its authors made all of them.

    Else it is 'generated': 'all' or 'train' is dealt in `shares` of each class, the split that they
    do not name gets the rest. Unless given they are CoOp's: 50 / 20 / 30 of everything, 20 % of
    train to val. The hashes of their names decide which images: see `portions`. Raises InputError
    where images are not there.
    """
    parts = release.parts
    names = [name for files in parts.values() for name, _ in files]
    if lost := absent(release.images, names):
        got = f"{len(lost):,} of {len(names):,} images are not there, such as {names[lost[0]]}"
        raise InputError(Problem(str(release.images), got, "all", "Complete the images."))
    if set(parts) == set(SPLITS):
        return listing(release.images, release.classes, parts, "official")
    if "all" in parts:
        splits = _dealt(parts["all"], shares or SHARES)
    else:
        splits = {**_dealt(parts["train"], shares or VAL_OF_TRAIN), "test": parts["test"]}
    return listing(release.images, release.classes, splits, "generated")


def listing(
    images: Path, classes: tuple[str, ...], splits: Mapping[str, Rows], rule: str
) -> Listing:
    """The files of `splits` under the folder `images`, whatever their order says nothing about.

    Raises InputError for labels that no class has.
    """
    ordered = {split: sorted(splits[split]) for split in SPLITS}
    identity = f"{rule}-{files.digest(classes, ordered, ())[:8]}"
    return files.listing(images, classes, splits, rule, identity=identity)


def absent(images: Path, names: Sequence[str]) -> list[int]:
    """The places of those `names` that are not under `images`; lists each folder once."""
    there: dict[str, set[str]] = {}  # of names that lead out `files.listing` tells
    lost = []
    for number, each in enumerate(names):
        if files.leads_out(each):
            continue
        folder, name = os.path.split(each)
        if folder not in there:
            at = images / folder
            there[folder] = set(os.listdir(at)) if at.is_dir() else set()
        if name not in there[folder]:
            lost.append(number)
    return lost


def place(root: Path, folders: Sequence[str], source: str, needs: Sequence[str] = ()) -> Path:
    """The first of `folders` under the data folder `root` that holds all it `needs`.

    Raises Missing: what is not there, and the `source` to get it from.
    """
    there = [root / each for each in folders if (root / each).is_dir()]
    if not there:
        wanted = " or ".join(str(root / each) for each in folders)
        raise Missing(f"{wanted} is missing: get it from {source}")
    whole = [each for each in there if all((each / need).exists() for need in needs)]
    return whole[0] if whole else require(there[0], needs, source)


def require(folder: Path, needs: Sequence[str], source: str) -> Path:
    """`folder`. Raises Missing with those of its entries `needs` that are not there."""
    lacking = [str(folder / each) for each in needs if not (folder / each).exists()]
    if lacking:
        verb = "is" if len(lacking) == 1 else "are"
        raise Missing(f"{', '.join(lacking)} {verb} missing: get it from {source}")
    return folder


def class_folders(images: Path, ignored: Collection[str] = ()) -> tuple[list[str], Rows]:
    """The folders in `images`, sorted, and their files, labelled by their places in that list."""
    from torchvision.datasets import ImageFolder  # seconds to import, and few runs need it

    folders = ImageFolder(
        str(images), loader=str, is_valid_file=_is_image, allow_empty=True
    )  # reads names only
    kept = [name for name in folders.classes if name not in ignored and not name.startswith(".")]
    labels = {folders.class_to_idx[name]: label for label, name in enumerate(kept)}
    files = [
        (Path(path).relative_to(images).as_posix(), labels[label])
        for path, label in folders.samples
        if label in labels
    ]
    return kept, files


def rows(path: Path, parse: Callable[[str], Row], expected: str) -> list[Row]:
    """What `parse` makes of each line of a text file, blank ones left out.

    Raises InputError with every line that it refuses by a ValueError or a KeyError.
    """
    found, problems = [], []
    for number, line in enumerate(
        path.read_text(encoding="utf-8", errors="replace").splitlines(), 1
    ):
        if not line.strip():
            continue
        try:
            found.append(parse(line.strip()))
        except (ValueError, KeyError):
            problems.append(Problem(f"{path}:{number}", f"'{line.strip()}'", expected))
    if problems:
        raise InputError(problems)
    return found


def _dealt(files: Rows, shares: Mapping[str, float]) -> dict[str, Rows]:
    """`files` dealt class by class, each split ordered by label and name."""
    groups: dict[int, list[str]] = {}
    for name, label in files:
        groups.setdefault(label, []).append(name)
    splits: dict[str, list[tuple[str, int]]] = {}
    rest = next(split for split in ("train", "test") if split not in shares)
    for label in sorted(groups):
        for split, names in portions(groups[label], shares, rest).items():
            splits.setdefault(split, []).extend((name, label) for name in sorted(names))
    return dict(splits)


def _is_image(path: str) -> bool:
    return Path(path).suffix.lower() in SUFFIXES and not Path(path).name.startswith(".")
