"""What a broken MATLAB file is told as."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sweeper.errors import InputError, Problem


@contextmanager
def matlab(where: Path) -> Iterator[None]:
    """Turns all that SciPy's reader raises on a broken file into an InputError about `where`."""
    from scipy.io.matlab import MatReadError  # half a second to import

    broken = (OSError, ValueError, TypeError, LookupError, NotImplementedError, zlib.error)
    try:
        yield
    except (*broken, MatReadError) as error:
        got = f"an unreadable MATLAB file ({type(error).__name__}: {error})"
        raise InputError(Problem(str(where), got, "the released one")) from error
