"""Where what is computed from data is kept on this machine: SWEEPER_CACHE, or ~/.cache/sweeper.

All of it can be made again: whoever needs the room deletes it, as long as nothing runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sweeper.errors import InputError, Problem

ELSEWHERE = "Set SWEEPER_CACHE to a folder on a local disk with room."


def root() -> Path:
    """The folder, whether it is there or not."""
    given = os.environ.get("SWEEPER_CACHE")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "sweeper"


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Around what writes to `place`: raises InputError where the disk refuses or is full."""
    try:
        yield
    except OSError as error:
        said = f"it cannot be written ({error.strerror or error})"
        raise InputError(Problem(str(place), said, "a writable folder", ELSEWHERE)) from error
