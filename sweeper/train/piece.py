"""Passes over many images in pieces that fit into memory."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

Found = TypeVar("Found")


def pieces(run: Callable[[slice], Found], places: range, size: int) -> Iterator[Found]:
    """`run` of one slice of `places` after the other, `size` long.

    From a slice that does not fit into the memory of a GPU on they are half as long, and again,
    until one image does not fit: then torch.OutOfMemoryError. For what keeps no gradients and
    no statistics, so that only rounding depends on the size.
    """
    start = places.start
    while start < places.stop:
        stop = min(start + size, places.stop)
        try:
            found = run(slice(start, stop))
        except torch.OutOfMemoryError:
            if stop - start == 1:
                raise
            size = (stop - start) // 2
        else:
            yield found
            start = stop
            continue
        free()  # behind the handler: until then the traceback holds what was computed


def free() -> None:
    """Give back what nothing refers to any more, so that smaller tensors find room."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
