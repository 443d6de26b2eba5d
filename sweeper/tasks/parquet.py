"""Encoded images in a parquet file, or in a folder of them as Hugging Face lays them out.

    pets.parquet                                 split by its column `split`, else dealt
    pets/train-00000-of-00002.parquet            split by the names of files, or of the folders
    pets/data/train-00000-of-00002.parquet       in which they lie; `validation` and `valid` are
    pets/test/0000.parquet                       val

Columns: `image` (or `img`), bytes of an image file or Hugging Face's struct {bytes, path}; `label`
(or `fine_label`, `labels`), integers or texts; where they are there, `split` and `path`. A row is
called by its path where all rows have one of their own, else by the digest of its image. Class
names come from Hugging Face's metadata in the file, else from a JSON file beside it (`pets.json`,
see `class_names`), else they are the labels. Rows are counted from 0.

Images are read a row group at a time, when one of them is needed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import pyarrow as pa

from sweeper.errors import Problem
from sweeper.tasks import class_names
from sweeper.tasks.checked import shortened, stamp
from sweeper.tasks.collection import Collection
from sweeper.tasks.held import Held
from sweeper.tasks.labels import Written, alike, label_all
from sweeper.tasks.listing import CALLED
from sweeper.tasks.shard import Shard, found_in


def collection(root: Path) -> Collection:
    """The images in the parquet file `root`, or in those of the folder `root`.

    Raises InputError where they are no parquet files, or lack a column.
    """
    files, notes = found_in(root)
    beside = class_names.beside(root)
    names = files[0].classes or class_names.read(beside)
    table = _Rows(root, files)
    kept, splits, problems = table.splits()
    said = table.column("label")
    labels = label_all(
        [said[row] for row in kept], names, lambda at: table.place(kept[at]), str(root)
    )
    notes += tuple(alike(labels.classes, str(root)))
    if others := table.others():
        shown = ", ".join(f"'{each}'" for each in [*dict.fromkeys(others)][:3])
        if not kept:
            problems.append(Problem(str(root), f"splits {shown} alone", "train, val or test"))
        rows = f"{len(others):,} rows that are not of train, val or test but of {shown}"
        notes += (f"{root}: left out {rows}",)
    called = table.names()
    watched = [*(file.path for file in files), beside]
    return Collection(
        stamp=stamp(root, ((str(p), p.stat() if p.is_file() else None) for p in watched)),
        root=root,
        classes=labels.classes,
        declared=tuple(sorted(set(splits))),
        labels=labels.labels,
        given=splits,
        names=None if called is None else [called[row] for row in kept],
        place=lambda number: table.place(kept[number]),
        data=lambda number: table.image(kept[number]),
        where=lambda split, label: _where(root, split, labels.classes[label]),
        hint="Add rows of it, or drop the class.",
        problems=(*shortened([*problems, *labels.problems], str(root)),),
        notes=notes,
    )


class _Rows:
    """The rows of some files, numbered through."""

    def __init__(self, root: Path, files: Sequence[Shard]) -> None:
        self._root, self._files = root, files
        groups = [(file, number) for file in files for number in range(len(file.groups))]
        sizes = [rows for file in files for rows in file.groups]
        self._groups, self._starts = groups, [0, *accumulate(sizes)][:-1]
        counts = [sum(file.groups) for file in files]
        self._firsts = [0, *accumulate(counts)][:-1]
        self._held = Held(self._read)
        self._damaged: dict[int, str] = {}  # group -> why it cannot be read

    def place(self, row: int) -> str:
        """How an error calls the row."""
        at = bisect_right(self._firsts, row) - 1
        return f"{self._files[at].path}, row {row - self._firsts[at]}"

    def image(self, row: int) -> bytes:
        """The image file in the row. Raises ValueError where it is null."""
        at = bisect_right(self._starts, row) - 1
        found: bytes | None = self._held[at][row - self._starts[at]].as_py()
        if found is None:
            raise ValueError("null, where the bytes of an image file belong")
        return found

    def column(self, what: str) -> list[Written]:
        """A column of all rows."""
        found: list[Written] = []
        for file in self._files:
            found += file.column(what)
        return found

    def splits(self) -> tuple[list[int], list[str], list[Problem]]:
        """The rows of train, val and test or, where none is named, all; and their splits."""
        if not self._files[0].given:
            splits = [file.split for file in self._files for _ in range(sum(file.groups))]
            return [*range(len(splits))], splits, []
        kept, splits, problems = [], [], []
        for row, said in enumerate(self.column("given")):
            split = _split(said)
            if said is None:
                rule = "train, val or test"
                problems.append(Problem(self.place(row), "no split (null)", rule))
            elif split is not None:
                kept.append(row)
                splits.append(split)
        return kept, splits, problems

    def others(self) -> list[Written]:
        """What stands for the split in the rows of another one."""
        said = self.column("given") if self._files[0].given else []
        return [each for each in said if each is not None and _split(each) is None]

    def names(self) -> list[str] | None:
        """The paths of all rows; None where they do not tell all rows apart."""
        if not all(file.name for file in self._files):
            return None
        found = self.column("name")
        return [str(name) for name in found] if len({*found} - {None}) == len(found) else None

    def _read(self, group: int) -> pa.ChunkedArray:
        if group in self._damaged:
            raise ValueError(self._damaged[group])
        file, number = self._groups[group]
        try:
            return file.read_group(number)
        except (pa.ArrowException, OSError) as error:
            self._damaged[group] = f"row group {number}: {error}"
            raise ValueError(self._damaged[group]) from error


def _split(said: Written) -> str | None:
    """The split that a row says it is of, if it is one."""
    return CALLED.get(str(said).strip().lower())


def _where(root: Path, split: str, name: str) -> str:
    return f"{root}, class '{name}'" + (f" in {split}" if split else "")
