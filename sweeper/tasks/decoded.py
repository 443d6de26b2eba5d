"""Images at the size of a backbone, decoded once on a machine and shared by all who read them.

    <cache>/decoded/<key>/images.uint8    pixels [N, 3, S, S] of train, val and test, one after
                                          the other
    <cache>/decoded/<key>/about.json      the digest of each split

The key is that of the data and of the preprocessing. Whoever comes first writes, under a lock, and
the others wait; the folder gets its name when all of it is on the disk, so that nothing that a kill
left behind is ever read. The file is mapped: processes share its pages, and what one of them writes
into an image stays its own.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from bisect import bisect_right
from itertools import accumulate, pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError, Problem
from sweeper.tasks import cache
from sweeper.tasks.checked import shortened
from sweeper.tasks.image import resize, unreadable
from sweeper.tasks.listing import SPLITS, Listing
from sweeper.tasks.task import Split
from sweeper.tasks.threads import in_chunks

RULE = "decoded-1"  # where other pixels come out, what was decoded is void: count this up
CHUNK = 4 << 20  # bytes of pixels that a thread decodes at a time
PIXELS, ABOUT = "images.uint8", "about.json"


def load(listing: Listing, preprocessing: Preprocessing) -> dict[str, Split]:
    """The splits of `listing` at the size of `preprocessing`.

    Raises InputError with every image that is broken, and where the cache has no room.
    """
    entry = cache.root() / "decoded" / _key(listing, preprocessing)
    shape = (sum(map(len, listing.splits.values())), 3, preprocessing.size, preprocessing.size)
    if (digests := _digests(entry, shape)) is None:
        with cache.writing(entry.parent):
            entry.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{entry}.lock"):
                if (digests := _digests(entry, shape)) is None:  # no one has come first
                    digests = _write(entry, listing, preprocessing)
    images = torch.from_numpy(np.memmap(entry / PIXELS, np.uint8, "c", shape=shape))
    found, start = {}, 0
    for split in SPLITS:
        labels = _labels(listing, split)
        found[split] = Split(images[start : start + len(labels)], labels, digests[split])
        start += len(labels)
    return found


def _key(listing: Listing, preprocessing: Preprocessing) -> str:
    how = (RULE, preprocessing.size, preprocessing.interpolation, preprocessing.resize)
    digest = hashlib.sha256(f"{how} {listing.identity}".encode())
    for split in SPLITS:
        labels = _labels(listing, split)
        digest.update(f"{split} {len(labels)}".encode() + labels.numpy().tobytes())
    return digest.hexdigest()[:24]


def _labels(listing: Listing, split: str) -> Tensor:
    return torch.tensor(listing.splits[split].labels, dtype=torch.int64)


def _digests(entry: Path, shape: tuple[int, ...]) -> dict[str, str] | None:
    """The digest of each split in `entry`; None where it is not there, or damaged."""
    try:
        found = json.loads((entry / ABOUT).read_text())
        whole = (entry / PIXELS).stat().st_size == math.prod(shape)
        return {split: found["digests"][split] for split in SPLITS} if whole else None
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _write(entry: Path, listing: Listing, preprocessing: Preprocessing) -> dict[str, str]:
    """Decode all splits into `entry`; returns their digests. For one process at a time."""
    aside = entry.with_name(f"{entry.name}.partial")
    for left in (aside, entry):  # by a process that was killed; damaged
        if left.exists():
            shutil.rmtree(left)
    aside.mkdir()
    try:
        _check_room(aside, listing, preprocessing)
        with (aside / PIXELS).open("wb") as file:
            digests = _decode(file, listing, preprocessing)
            file.flush()
            os.fsync(file.fileno())
        (aside / ABOUT).write_text(json.dumps({"data": listing.identity, "digests": digests}))
        aside.rename(entry)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return digests


def _check_room(place: Path, listing: Listing, preprocessing: Preprocessing) -> None:
    count, size = sum(map(len, listing.splits.values())), preprocessing.size
    needed, free = 3 * size * size * count, shutil.disk_usage(place).free
    if needed > free:
        got = f"{free / 2**20:,.0f} MiB are free"
        rule = f"{needed / 2**20:,.0f} MiB for {count:,} images of {size} x {size} pixels"
        raise InputError(Problem(str(place.parent), got, rule, cache.ELSEWHERE))


def _decode(file: BinaryIO, listing: Listing, preprocessing: Preprocessing) -> dict[str, str]:
    """Write the pixels of all splits to `file`. Raises InputError with every broken image."""
    size = preprocessing.size
    parts = [listing.splits[split] for split in SPLITS]
    starts = [0, *accumulate(map(len, parts))]

    def read(numbers: range) -> tuple[Tensor, list[Problem]]:
        pixels = torch.empty(len(numbers), 3, size, size, dtype=torch.uint8)
        broken = []
        for slot, number in zip(pixels, numbers, strict=True):
            at = bisect_right(starts, number) - 1
            part, place = parts[at], number - starts[at]
            try:
                slot.copy_(resize(part.read(place)[None], preprocessing)[0])
            except (OSError, ValueError) as error:
                broken.append(unreadable(part.name(place), error))
        return pixels, broken

    digests = [hashlib.sha256() for _ in SPLITS]
    problems: list[Problem] = []
    written = 0
    doing = f"decoding {starts[-1]:,} images to {size} x {size} pixels in {cache.root()}"
    chunk = max(1, min(256, CHUNK // (3 * size * size)))
    for pixels, broken in in_chunks(starts[-1], read, doing, chunk):
        problems += broken
        file.write(pixels.numpy().data)
        for digest, bounds in zip(digests, pairwise(starts), strict=True):
            first, last = (max(0, bound - written) for bound in bounds)
            digest.update(pixels[first:last].numpy().data)
        written += len(pixels)
    if problems:
        raise InputError(shortened(problems, "in all splits"))
    for digest, split in zip(digests, SPLITS, strict=True):
        digest.update(_labels(listing, split).numpy().data)
    return {s: d.hexdigest()[:16] for s, d in zip(SPLITS, digests, strict=True)}
