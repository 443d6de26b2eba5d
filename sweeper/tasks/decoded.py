"""Images at the size of a backbone, decoded once on a node and shared by all who read them.

They are an entry of `sweeper.cache`, keyed by data and preprocessing: pixels uint8 [N, 3, S, S] of
train, val and test, one after the other, and the digest of each split. So processes share the
pages of one file, train and val together are a view, and what a method writes into an image stays
its own.
"""

from __future__ import annotations

import hashlib
import shutil
from bisect import bisect_right
from functools import partial
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from sweeper import cache
from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError, Problem
from sweeper.tasks.checked import shortened
from sweeper.tasks.disk import ELSEWHERE, writing
from sweeper.tasks.image import resize, unreadable
from sweeper.tasks.listing import SPLITS, Listing
from sweeper.tasks.task import Split
from sweeper.tasks.threads import in_chunks

RULE = "decoded-1"  # where other pixels come out, what was decoded is void: count this up
ROOM = "decoded"
CHUNK = 4 << 20  # bytes of pixels that a thread decodes at a time


def load(listing: Listing, preprocessing: Preprocessing) -> dict[str, Split]:
    """The splits of `listing` at the size of `preprocessing`.

    Raises InputError with every image that is broken, and where the cache has no room.
    """
    labels = {split: _labels(listing, split) for split in SPLITS}
    written = {split: hashlib.sha256(found.numpy().data) for split, found in labels.items()}
    key = {
        "rule": RULE,
        "data": listing.identity,
        "labels": {split: digest.hexdigest() for split, digest in written.items()},
        "size": preprocessing.size,
        "interpolation": preprocessing.interpolation,
        "resize": preprocessing.resize,
    }
    with writing(cache.root() / ROOM):
        decode = partial(_decode, listing, preprocessing)
        # sizes alone are compared: to read gigabytes at every start would undo the gain
        entry = cache.kept(ROOM, key, decode, whole=False)
    parts = torch.split(entry.tensors["images"], [len(found) for found in labels.values()])
    return {
        split: Split(images, labels[split], entry.facts[split])
        for split, images in zip(SPLITS, parts, strict=True)
    }


def _labels(listing: Listing, split: str) -> Tensor:
    return torch.tensor(listing.splits[split].labels, dtype=torch.int64)


def _decode(listing: Listing, preprocessing: Preprocessing, draft: cache.Draft) -> None:
    """Put the pixels of all splits into `draft`. Raises InputError with every broken image."""
    size = preprocessing.size
    parts = [listing.splits[split] for split in SPLITS]
    starts = [0, *accumulate(map(len, parts))]
    _check_room(starts[-1], size)

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

    digests = [hashlib.sha256() for _ in SPLITS]  # as `Split.digest` makes them
    problems: list[Problem] = []
    written = 0
    doing = f"decoding {starts[-1]:,} images to {size} x {size} pixels in {cache.root()}"
    chunk = max(1, min(256, CHUNK // (3 * size * size)))
    for pixels, broken in in_chunks(starts[-1], read, doing, chunk):
        problems += broken
        draft.append("images", pixels)
        for digest, bounds in zip(digests, pairwise(starts), strict=True):
            first, last = (max(0, bound - written) for bound in bounds)
            digest.update(pixels[first:last].numpy().data)
        written += len(pixels)
    if problems:
        raise InputError(shortened(problems, "in all splits"))
    for digest, split in zip(digests, SPLITS, strict=True):
        digest.update(_labels(listing, split).numpy().data)
        draft.facts[split] = digest.hexdigest()[:16]


def _check_room(count: int, size: int) -> None:
    needed, free = 3 * size * size * count, shutil.disk_usage(cache.root()).free
    if needed > free:
        got = f"{free / 2**20:,.0f} MiB are free"
        rule = f"{needed / 2**20:,.0f} MiB for {count:,} images of {size} x {size} pixels"
        raise InputError(Problem(str(cache.root()), got, rule, ELSEWHERE))
