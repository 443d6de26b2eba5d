"""Data sets whose images are files: from lists of files and labels to what `Listing` wants.

Nothing is looked at on disk: a list of half a million files takes a second, and a file that is not
there is found when it is read.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor

from sweeper.errors import InputError, Problem
from sweeper.tasks.dataset import Missing
from sweeper.tasks.deal import shuffled
from sweeper.tasks.image import decode
from sweeper.tasks.listing import Listing, Pictures

Rows = Sequence[tuple[str, int]]  # file relative to a folder, label from 0


def pictures(root: Path, rows: Rows) -> Pictures:
    """The image files `rows`, whose names are relative to `root`."""

    def read(place: int) -> Tensor:
        return decode((root / rows[place][0]).read_bytes())

    return Pictures([label for _, label in rows], lambda place: str(root / rows[place][0]), read)


def listing(
    root: Path,
    classes: Sequence[str],
    rows: Mapping[str, Rows],
    rule: str,
    *,
    identity: str = "",
    notes: Sequence[str] = (),
    test_classes: Sequence[int] = (),
) -> Listing:
    """The splits `rows`; if no identity is given, it is the digest of all of this.

    Raises InputError where a label has no class, or a file is not under `root`.
    """
    astray = [file for found in rows.values() for file, _ in found if leads_out(file)]
    if astray:
        rule = "a file in that folder, named from there"
        raise InputError(Problem(str(root), f"{file!r} in its lists", rule) for file in astray[:20])
    wrong = [row for found in rows.values() for row in found if not 0 <= row[1] < len(classes)]
    if wrong:
        expected = f"0 to {len(classes) - 1}, for {len(classes)} classes"
        raise InputError(
            Problem(str(root / file), f"label {label}", expected) for file, label in wrong[:20]
        )
    return Listing(
        classes=tuple(classes),
        splits={split: pictures(root, found) for split, found in rows.items()},
        rule=rule,
        identity=identity or digest(classes, rows, test_classes),
        notes=tuple(notes),
        test_classes=tuple(test_classes),
    )


def digest(classes: Sequence[str], rows: Mapping[str, Rows], test_classes: Sequence[int]) -> str:
    """16 hexadecimal digits, others for any other class, file, label, split or order."""
    found = hashlib.sha256("\0".join([*classes, str([*test_classes])]).encode())
    for split in sorted(rows):
        lines = [split, *(f"{file}\0{label}" for file, label in rows[split])]
        found.update("\n".join(lines).encode("utf-8", "surrogateescape"))
    return found.hexdigest()[:16]


def leads_out(file: str) -> bool:
    """Whether a name in a list, which may come from anybody, leads out of the folder it is for."""
    return file.startswith(("/", "~")) or "\0" in file or ".." in file.split("/")


def folder_of(root: Path, names: Sequence[str], source: str) -> Path:
    """The first folder of `names` that is under `root`. Raises Missing, with its `source`."""
    for name in names:
        if (root / name).is_dir():
            return root / name
    raise Missing(f"{root / names[0]} is missing: {source}")


def file_of(folder: Path, names: Sequence[str], source: str) -> Path:
    """The first file of `names` that is in `folder`. Raises Missing, with its `source`."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise Missing(f"{folder / names[0]} is missing: {source}")


@contextmanager
def reading(path: Path, expected: str) -> Iterator[None]:
    """What goes wrong inside is the fault of the file `path`, which should hold `expected`."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        got = f"unreadable content ({type(error).__name__}: {error})"
        raise InputError(Problem(str(path), got, expected, "Replace the file.")) from error


def cut(rows: Rows, share: float) -> dict[str, list[tuple[str, int]]]:
    """`rows` of a training split as train and val, both in their order: val is `share` of them.

    Val is the first by the hash of their names, over all classes together, rounded up; the last
    image of a class stays in train.
    """
    wanted, labels = math.ceil(share * len(rows)), dict(rows)
    left, val = Counter(labels.values()), set[str]()
    for file in shuffled([*labels]):
        if len(val) < wanted and left[labels[file]] > 1:
            val.add(file)
            left[labels[file]] -= 1
    return {
        "train": [row for row in rows if row[0] not in val],
        "val": [row for row in rows if row[0] in val],
    }
