"""Does a published report still say what the store holds?"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path

from reports.build import left_over, report_files
from reports.query import load
from reports.source import SOURCE, Source, read_source

_PRINTED = (".md", ".csv", ".tex", ".json")  # files of short lines, which can be told
_LONG = 120  # characters of a line that are told
_MOST = 20  # changes of one file that are told


def check(folder: Path, store_uri: str) -> list[str]:
    """What of the report in `folder` is no longer as the store would have it, a line each.

    Empty if all is. Raises InputError if there is no report that can be checked, StoreError if
    the store or the launch is not there.
    """
    source = read_source(folder)
    recording = load(store_uri, source.sweep, source.profile, source.plan)
    files = report_files(recording)
    now = Source.of(recording)
    found = [line for name in sorted(files) for line in _differences(folder, name, files[name])]
    found += [
        f"{name}: left over; the report has no such file" for name in left_over(files, folder)
    ]
    if found and now.written_by != source.written_by:
        found.append(f"{SOURCE}: {_told(source.written_by, now.written_by)}")
    return found


def _differences(folder: Path, name: str, new: bytes) -> Iterator[str]:
    path = folder / name
    if name == SOURCE:
        return
    if not path.is_file():
        yield f"{name}: missing"
        return
    old = path.read_bytes()
    if old == new:
        return
    if name.startswith("tables/") and name.endswith(".csv"):
        moved = list(_moved(_rows(old), _rows(new)))
    elif name.endswith(_PRINTED):
        moved = [_first_line(old, new)]
    else:
        moved = ["differs"]
    yield from (f"{name}: {change}" for change in moved[:_MOST])
    if len(moved) > _MOST:
        yield f"{name}: and {len(moved) - _MOST} more"


def _rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(errors="replace"))))


def _moved(old: list[list[str]], new: list[list[str]]) -> Iterator[str]:
    """The cells of a table that changed, as 'row, column: old -> new'."""
    headers = new[0] if new else []
    if (old[0] if old else []) != headers:
        yield f"the columns are others: {old[0] if old else []} -> {headers}"
        return
    before, after = _by_label(old[1:]), _by_label(new[1:])
    for label in dict.fromkeys([*before, *after]):
        if label not in after:
            yield f"{label[0]}: the row is gone"
        elif label not in before:
            yield f"{label[0]}: the row is new"
        else:
            for header, was, is_ in zip_longest(headers, before[label], after[label], fillvalue=""):
                if was != is_:
                    yield f"{label[0]}, {header}: {was or 'nothing'} -> {is_ or 'nothing'}"
    if list(before) != list(after) and set(before) == set(after):
        yield "the rows are in another order"


def _by_label(rows: list[list[str]]) -> dict[tuple[str, int], list[str]]:
    """The rows by their first cell, and by how many before have the same."""
    seen: dict[str, int] = {}
    found = {}
    for row in rows:
        label = row[0] if row else ""
        seen[label] = seen.get(label, -1) + 1
        found[label, seen[label]] = row
    return found


def _first_line(old: bytes, new: bytes) -> str:
    before, after = (data.decode(errors="replace").splitlines() for data in (old, new))
    pairs = enumerate(zip_longest(before, after, fillvalue=""), start=1)
    number, (was, is_) = next(((n, pair) for n, pair in pairs if pair[0] != pair[1]), (0, ("", "")))
    if not number:
        return "differs in how its lines end"
    return f"differs from line {number} on: {_short(was)} -> {_short(is_)}"


def _short(line: str) -> str:
    words = " ".join(line.split())
    return repr(words if len(words) <= _LONG else f"{words[: _LONG - 1]}…")


def _told(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    others = [f"{key} {old.get(key)} -> {new.get(key)}" for key in new if old.get(key) != new[key]]
    return f"written by other code, which may be why: {', '.join(others)}"
