"""Splits from a file of CoOp's kind (`split_zhou_*.json`), as its authors hand them out.

    {"train": [["abbey/1.jpg", 0, "abbey"], ...], "val": [...], "test": [...]}

Each entry is a file relative to the folder of images, its label and the name of its class.
PGN's `resisc45_json.json` is of the same kind.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sweeper.errors import InputError, Problem
from sweeper.tasks.files import leads_out, listing
from sweeper.tasks.listing import SPLITS, Listing
from sweeper.tasks.release import Release, absent, cut

Entries = dict[str, list[tuple[str, int, str]]]
SHOWN = 3  # wrong entries that an error quotes


def given_or_cut(
    name: str, places: tuple[Path, ...], images: Path, release: Callable[[], Release]
) -> Listing:
    """The splits of the file `name` in the first of `places` that has it, else `release` cut.

    Raises InputError for all that is wrong with the file.
    """
    for each in places:
        if (each / name).is_file():
            return read(each / name, images)
    return cut(release())


def read(path: Path, images: Path, rule: str = "split_zhou") -> Listing:
    """The splits of the file `path`, in its order. Raises InputError with all that is wrong."""
    content = path.read_bytes()
    entries = _entries(path, content)
    names = {label: name for split in SPLITS for _, label, name in entries[split]}
    problems = [*_misnamed(path, entries, names), *_absent(path, entries, images)]
    if problems:
        raise InputError(problems)
    return listing(
        images,
        tuple(names[label].replace("_", " ") for label in sorted(names)),
        {split: [(file, label) for file, label, _ in entries[split]] for split in SPLITS},
        rule,
        identity=f"{rule}-{hashlib.sha256(content).hexdigest()[:8]}",
    )


def _entries(path: Path, content: bytes) -> Entries:
    """What the file says, in its types. Raises InputError with the entries that are of others."""
    expected = "lists of [file, label, class] under train, val and test"
    try:
        found: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(Problem(str(path), str(error), expected)) from error
    if not isinstance(found, dict) or not all(isinstance(found.get(s), list) for s in SPLITS):
        got = f"keys {', '.join(map(str, found))}" if isinstance(found, dict) else "no mapping"
        raise InputError(Problem(str(path), got, expected))
    rule = "[file, label, class], the file in the folder of images"
    wrong = [
        Problem(
            f"{path}, {split}[{number}]",
            repr(entry)[:80],
            rule,
        )
        for split in SPLITS
        for number, entry in enumerate(found[split])
        if not _is_entry(entry)
    ]
    if wrong:
        raise InputError(wrong[:SHOWN])
    return {split: [(file, label, name) for file, label, name in found[split]] for split in SPLITS}


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, list) or len(entry) != 3:
        return False
    file, label, name = entry
    plain = isinstance(file, str) and type(label) is int and isinstance(name, str)
    return plain and not leads_out(file)


def _misnamed(path: Path, entries: Entries, names: dict[int, str]) -> Iterator[Problem]:
    """Labels that are left out, and entries that call a class otherwise than others do."""
    gaps = sorted(set(range(max(names, default=0) + 1)) - set(names))
    if gaps or min(names, default=0) < 0:
        got = f"no entry with label {gaps[0]}" if gaps else f"label {min(names)}"
        yield Problem(str(path), got, f"labels from 0 to {max(names, default=0)}, each used")
    other = [
        (f"{split}[{number}]", label, name)
        for split in SPLITS
        for number, (_, label, name) in enumerate(entries[split])
        if name != names[label]
    ]
    for where, label, name in other[:SHOWN]:
        yield Problem(
            f"{path}, {where}", f"'{name}' for label {label}", f"'{names[label]}', as elsewhere"
        )


def _absent(path: Path, entries: Entries, images: Path) -> Iterator[Problem]:
    """Entries whose file is not there."""
    for split in SPLITS:
        names = [file for file, _, _ in entries[split]]
        lost = absent(images, names)
        hint = f"{len(lost):,} files of {split} are not there: complete the images."
        for number in lost[:SHOWN]:
            yield Problem(
                f"{path}, {split}[{number}]", f"'{names[number]}'", f"a file in {images}", hint
            )
