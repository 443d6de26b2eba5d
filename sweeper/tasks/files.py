"""Data sets whose images are files: from lists of files and labels to what `Listing` wants.

Nothing is looked at on disk: a list of half a million files takes a second, and a file that is not
there is found when it is read.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

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
    notes: Sequence[str] = (),
    test_classes: Sequence[int] = (),
) -> Listing:
    """The splits `rows`; their identity is the digest of classes, files and labels."""
    return Listing(
        classes=tuple(classes),
        splits={split: pictures(root, found) for split, found in rows.items()},
        rule=rule,
        identity=digest(classes, rows, test_classes),
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


def cut(rows: Rows, share: float) -> dict[str, list[tuple[str, int]]]:
    """`rows` of a training split as train and val, both in their order: val is `share` of them.

    Val is the first by the hash of their names, over all classes together, rounded up; the last
    image of a class stays in train.
    """
    wanted, labels = math.ceil(share * len(rows)), dict(rows)
    left, val = Counter(labels.values()), set()
    for file in shuffled([*labels]):
        if len(val) < wanted and left[labels[file]] > 1:
            val.add(file)
            left[labels[file]] -= 1
    return {
        "train": [row for row in rows if row[0] not in val],
        "val": [row for row in rows if row[0] in val],
    }
