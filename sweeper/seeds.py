"""Randomness keyed by name, never by call order.

A seed is the hash of a base seed and the names of what it is for, so that adding a draw, a
parameter or a data set leaves every other draw as it was, and two cells that differ in one
factor share the draws of all the others (paired seeds).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive(seed: int, *names: str | int) -> int:
    """A 63-bit seed for the thing called `names` under the base `seed`.

    A name may be that of a file that is not UTF-8, as Python reads it.
    """
    text = "\x1f".join([str(seed), *map(str, names)])
    return (
        int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()[:8], "big")
        >> 1
    )


def generator(seed: int, *names: str | int) -> torch.Generator:
    """A CPU generator of its own for the thing called `names` under the base `seed`."""
    return torch.Generator().manual_seed(derive(seed, *names))


@contextmanager
def keyed(seed: int, *names: str | int) -> Iterator[None]:
    """Torch's global CPU stream, seeded for `names` inside the block and put back after it.

    For code that takes no generator, such as the constructors of `torch.nn`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, *names))
        yield
