"""That each image of the user's decodes, and what is in it: found once, and remembered.

What was found lies in the cache under a stamp of names, sizes and times: as long as these stay,
no image is opened again. Nothing is remembered of data with a broken image.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from sweeper import cache
from sweeper.errors import Problem
from sweeper.tasks.disk import writing
from sweeper.tasks.image import decode, unreadable
from sweeper.tasks.threads import in_chunks

RULE = "checked-1"  # where another image counts as broken, what was found is void: count this up
WIDTH = hashlib.sha256().digest_size
SHOWN = 20  # mistakes of one kind in an error


def stamp(root: Path, files: Iterable[tuple[str, os.stat_result | None]]) -> str:
    """A digest of what stands under `root`: names, sizes and times; None for no such file."""
    found = hashlib.sha256(f"{RULE}\0{root}\0".encode("utf-8", "surrogateescape"))
    for name, stat in files:
        state = "none" if stat is None else f"{stat.st_size} {stat.st_mtime_ns}"
        found.update(f"{name}\0{state}\0".encode("utf-8", "surrogateescape"))
    return found.hexdigest()


def contents(
    known: str, count: int, data: Callable[[int], bytes], place: Callable[[int], str], doing: str
) -> tuple[list[bytes], list[Problem]]:
    """Digest of the content of each of `count` images, and all that are broken.

    `known` is their stamp; `data` gives the image file with a number below `count`, or raises
    OSError or ValueError with the reason; `place` says where it lies. A broken one has digest b"".
    """
    path = cache.root() / "checked" / known
    if path.is_file():
        found = path.read_bytes()
        if len(found) == WIDTH * count:
            return [found[at : at + WIDTH] for at in range(0, len(found), WIDTH)], []

    def look(numbers: range) -> list[bytes | Problem]:
        return [_content(data, place, number) for number in numbers]

    each = [one for chunk in in_chunks(count, look, doing) for one in chunk]
    broken = [one for one in each if isinstance(one, Problem)]
    digests = [b"" if isinstance(one, Problem) else one for one in each]
    if not broken:
        _remember(path, b"".join(digests))
    return digests, broken


def shortened(problems: list[Problem], root: str) -> list[Problem]:
    """The first of `problems`, and how many more there are under `root`."""
    if len(problems) <= SHOWN:
        return problems
    more = f"{len(problems) - SHOWN:,} more like these ({len(problems):,} in all)"
    return [*problems[:SHOWN], Problem(root, more, "none of them")]


def _content(
    data: Callable[[int], bytes], place: Callable[[int], str], number: int
) -> bytes | Problem:
    try:
        found = data(number)
        decode(found)
    except (OSError, ValueError) as error:
        return unreadable(place(number), error)
    return hashlib.sha256(found).digest()


def _remember(path: Path, found: bytes) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            aside.write_bytes(found)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
