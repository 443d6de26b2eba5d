"""Parquet files of images: which of them make a task, and which of their columns.

A folder is laid out as Hugging Face's are, see `sweeper.tasks.parquet`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sweeper.errors import InputError, Problem
from sweeper.tasks import class_names
from sweeper.tasks.labels import Written
from sweeper.tasks.listing import CALLED

IMAGES, LABELS = ("image", "img"), ("label", "fine_label", "labels")

# train-00000-of-00002, test-00000-of-00001-8a24f0, validation, train_3
_SHARD = re.compile(r"([A-Za-z]+)(?:[-_]?\d+)?(?:-of-\d+)?(?:-[0-9a-f]+)?")


@dataclass(frozen=True)
class Shard:
    """One parquet file and its columns; those that are not there are called ''."""

    path: Path
    split: str  # as its name or its folder says, or ''
    groups: tuple[int, ...]  # rows of each row group
    image: str
    label: str
    given: str  # the column that names splits
    name: str  # the column of paths, 'image.path' for a field of a struct
    classes: tuple[str, ...] | None  # of Hugging Face's metadata
    texts: bool  # whether labels are texts

    def column(self, what: str) -> list[Written]:
        """The values of the column that is called `what` here: label, given or name."""
        column: str = getattr(self, what)
        try:
            with pq.ParquetFile(self.path, memory_map=True) as opened:
                found = opened.read(columns=[column]).column(0)
        except (pa.ArrowException, OSError) as error:
            said = f"column '{column}' is unreadable ({error})"
            raise InputError(Problem(str(self.path), said, "a whole parquet file")) from error
        if pa.types.is_struct(found.type):
            found = pc.struct_field(found, column.split(".")[-1])
        if pa.types.is_dictionary(found.type):
            found = found.cast(found.type.value_type)
        return list(found.to_pylist())

    def read_group(self, number: int) -> pa.ChunkedArray:
        """The image files in a row group. Raises ValueError or OSError where it is damaged."""
        with pq.ParquetFile(self.path, memory_map=True) as opened:
            found = opened.read_row_group(number, columns=[self.image]).column(0)
        return pc.struct_field(found, "bytes") if pa.types.is_struct(found.type) else found


def found_in(root: Path) -> tuple[list[Shard], tuple[str, ...]]:
    """The files of `root`, one parquet file or a folder of them, and notes on what is left out.

    Raises InputError where one is no parquet file, or lacks a column.
    """
    named, notes = _named(root)
    return _opened(named), notes


def is_folder(root: Path) -> bool:
    """Whether the folder `root` holds parquet files rather than images."""
    return bool(_shards(root))


def _named(root: Path) -> tuple[list[tuple[Path, str]], tuple[str, ...]]:
    """The files of `root` with their splits ('' for none), and a note on those that are left out.

    Where a split is named anywhere, a file of no split is left out.
    """
    if not root.is_dir():
        return [(root, "")], ()
    found = [(path, _split_of(path, root)) for path in _shards(root)]
    named = [(path, split) for path, split in found if split]
    if not named or len(named) == len(found):
        return found, ()
    others = [str(path.relative_to(root)) for path, split in found if not split]
    shown = ", ".join(others[:3])
    note = f"{root}: left out {len(others)} files that are not of train, val or test: {shown}"
    return named, (note,)


def _shards(root: Path) -> list[Path]:
    """The parquet files in the folder `root`, else in `data/`, else in its folders of splits."""
    for places in ([root], [root / "data"], [root / name for name in CALLED]):
        found = [path for place in places for path in place.glob("[!.]*.parquet")]
        if found:
            return sorted(found)
    return []


def _split_of(path: Path, root: Path) -> str:
    written = _SHARD.fullmatch(path.stem)
    split = CALLED.get(written[1].lower()) if written else None
    return split or (CALLED.get(path.parent.name, "") if path.parent != root else "")


def _opened(named: Sequence[tuple[Path, str]]) -> list[Shard]:
    """The files, with their columns. Raises InputError with all that is wrong with any."""
    files, problems = [], []
    for path, split in named:
        try:
            with pq.ParquetFile(path, memory_map=True) as opened:
                schema, metadata = opened.schema_arrow, opened.metadata
        except (pa.ArrowException, OSError) as error:
            problems.append(Problem(str(path), f"unreadable ({error})", "a whole parquet file"))
            continue
        columns = _columns(schema)
        problems += _unfit(path, schema, columns)
        groups = [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)]
        names = _class_labels(schema, columns["label"])
        texts = bool(columns["label"]) and _is_text(schema.field(columns["label"]).type)
        files.append(Shard(path, split, tuple(groups), classes=names, texts=texts, **columns))
    for file in files[1:]:
        if replace(file, path=Path(), split="", groups=()) != replace(
            files[0], path=Path(), split="", groups=()
        ):
            rule = f"those of {files[0].path}"
            problems.append(
                Problem(str(file.path), "other columns, kinds of label or class names", rule)
            )
    if problems:
        raise InputError(problems)
    return files


def _columns(schema: pa.Schema) -> dict[str, str]:
    """The columns of a `Shard` by their names in `schema`."""

    def first(names: Sequence[str]) -> str:
        return next((name for name in names if name in schema.names), "")

    image = first(IMAGES)
    name = first(["path"])
    if not name and image and pa.types.is_struct(schema.field(image).type):
        inside = [field.name for field in schema.field(image).type]
        name = f"{image}.path" if "path" in inside else ""
    return {"image": image, "label": first(LABELS), "given": first(["split"]), "name": name}


def _unfit(path: Path, schema: pa.Schema, columns: dict[str, str]) -> Iterator[Problem]:
    """Columns that are not there, or of another type."""
    rules = {
        "image": (IMAGES, _is_image, "bytes of image files, or Hugging Face's {bytes, path}"),
        "label": (LABELS, _is_label, "integers or texts"),
    }
    for what, (names, fits, rule) in rules.items():
        column = columns[what]
        if not column:
            said = f"columns {', '.join(schema.names)}"
            yield Problem(str(path), said, f"one called {' or '.join(names)}")
        elif not fits(schema.field(column).type):
            said = f"column '{column}' of type {schema.field(column).type}"
            yield Problem(str(path), said, rule)


def _is_image(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(field.name == "bytes" and _is_image(field.type) for field in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_label(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(_is_text(kind) or pa.types.is_integer(kind))


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _class_labels(schema: pa.Schema, label: str) -> tuple[str, ...] | None:
    """The names of Hugging Face's ClassLabel, where the metadata have them."""
    try:
        features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
        return tuple(class_names.readable(name) for name in features[label]["names"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
