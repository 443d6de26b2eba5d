"""What is computed once on a node and read by every process on it: tensors in files.

An entry is the folder `<room>/<digest of its key>/` under SWEEPER_CACHE, or ~/.cache/sweeper: one
file of raw rows for each tensor, and `about.json`. It is written aside under a lock and renamed,
so it is whole or not there; what is damaged all the same is made anew. Tensors are mapped: the
memory behind them is the system's file cache, one for all processes. Whoever needs another
entry gives another key; entries can be deleted at any time, at the price of making them again.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from filelock import FileLock
from torch import Tensor

VERSION = 1
ABOUT = "about.json"
PIECE = 1 << 24  # bytes that are checked at a time

_checked: set[tuple[str, int, int]] = set()  # files whose bytes this process has compared


@dataclass(frozen=True)
class Entry:
    """What `kept` gives: mapped tensors by name, and the facts that were noted beside them.

    Tensors may be written to: that changes a copy of the page, in this process alone.
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]


class Draft:
    """An entry while it is made."""

    def __init__(self, folder: Path) -> None:
        self.facts: dict[str, Any] = {}  # what else to keep, as JSON
        self._folder = folder
        self._files: dict[str, BinaryIO] = {}
        self._about: dict[str, dict[str, Any]] = {}

    def append(self, name: str, rows: Tensor) -> None:
        """Put `rows` [n, ...] behind those of the tensor `name`."""
        rows = rows.detach().cpu().contiguous()
        if name not in self._files:
            self._files[name] = (self._folder / f"{name}.bin").open("wb")
            dtype = str(rows.dtype).removeprefix("torch.")
            row = list(rows.shape[1:])
            self._about[name] = {"dtype": dtype, "row": row, "rows": 0, "crc": 0}
        about = self._about[name]
        if [str(rows.dtype), list(rows.shape[1:])] != [f"torch.{about['dtype']}", about["row"]]:
            raise ValueError(f"rows of '{name}' are {rows.dtype} {tuple(rows.shape)}, not {about}")
        data = rows.reshape(-1).view(torch.uint8).numpy().data
        self._files[name].write(data)
        about["crc"] = zlib.crc32(data, about["crc"])
        about["rows"] += len(rows)

    def close(self, key: Mapping[str, Any] | None) -> None:
        """Sync and close the files; with a key, say what they hold."""
        for file in self._files.values():
            with file:
                file.flush()
                os.fsync(file.fileno())
        if key is not None:
            about = {"version": VERSION, "key": key, "tensors": self._about, "facts": self.facts}
            (self._folder / ABOUT).write_text(json.dumps(about))


def root() -> Path:
    """The folder of all entries."""
    given = os.environ.get("SWEEPER_CACHE", "")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "sweeper"


def kept(
    room: str,
    key: Mapping[str, Any],
    make: Callable[[Draft], None],
    *,
    whole: bool = True,
) -> Entry:
    """The entry of `key` (JSON: strings, numbers, lists) in `room`, made by `make` if it is not
    there. One process makes it, others wait.

    What was read once is compared with its checksum, once a process; with `whole` False sizes
    alone are compared, for what is larger than memory. Raises OSError where the folder cannot be
    written or is full; then nothing is left behind. Raises what `make` raises.
    """
    place = _place(room, key)
    if (found := _read(place, key, whole=whole)) is not None:
        return found
    place.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(place.with_suffix(".lock")):
        if (found := _read(place, key, whole=whole)) is not None:
            return found  # another process made it while this one waited
        _write(place, key, make)
    found = _read(place, key, whole=False)
    if found is None:
        raise OSError(f"{place} was written and cannot be read")
    return found


def has(room: str, key: Mapping[str, Any]) -> bool:
    """Whether there is an entry of `key` in `room`; it may be damaged."""
    return (_place(room, key) / ABOUT).exists()


def _place(room: str, key: Mapping[str, Any]) -> Path:
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]
    return root() / room / digest


def _write(place: Path, key: Mapping[str, Any], make: Callable[[Draft], None]) -> None:
    """Make the entry beside its place and rename it. Only under the lock."""
    aside = place.with_suffix(".part")
    shutil.rmtree(aside, ignore_errors=True)  # of a process that was killed
    aside.mkdir()
    draft = Draft(aside)
    try:
        try:
            make(draft)
        except BaseException:
            draft.close(None)
            raise
        draft.close(key)
        shutil.rmtree(place, ignore_errors=True)  # a damaged one
        aside.replace(place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _read(place: Path, key: Mapping[str, Any], *, whole: bool) -> Entry | None:
    """The entry at `place`; None where there is none, or it is damaged or of another key."""
    try:
        about = json.loads((place / ABOUT).read_text())
        if about["version"] != VERSION or about["key"] != json.loads(json.dumps(key)):
            return None
        tensors = dict(_mapped(place, about["tensors"], whole=whole))
        return Entry(tensors, about["facts"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _mapped(
    place: Path, about: Mapping[str, Mapping[str, Any]], *, whole: bool
) -> Iterator[tuple[str, Tensor]]:
    """Each tensor by name. Raises ValueError where a file is not what was written."""
    for name, said in about.items():
        path, dtype = place / f"{name}.bin", getattr(torch, said["dtype"])
        shape = (said["rows"], *said["row"])
        size, found = math.prod(shape), path.stat()
        if found.st_size != size * dtype.itemsize:
            raise ValueError(f"{path} has {found.st_size} bytes")
        seen = (str(path), found.st_ino, found.st_mtime_ns)
        if whole and seen not in _checked:
            if _crc(path) != said["crc"]:
                raise ValueError(f"{path} is damaged")
            _checked.add(seen)
        if size == 0:
            yield name, torch.empty(shape, dtype=dtype)
            continue
        flat = torch.from_file(str(path), shared=False, size=size, dtype=dtype)
        yield name, flat.view(shape)


def _crc(path: Path) -> int:
    found = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            found = zlib.crc32(piece, found)
    return found
