"""A disk that cannot be written is the user's to change: the error says how."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sweeper.errors import InputError, Problem

ELSEWHERE = "Set SWEEPER_CACHE to a folder on a local disk with room."


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Around what writes to `place`: raises InputError where the disk refuses or is full."""
    try:
        yield
    except OSError as error:
        said = f"it cannot be written ({error.strerror or error})"
        raise InputError(Problem(str(place), said, "a writable folder", ELSEWHERE)) from error
