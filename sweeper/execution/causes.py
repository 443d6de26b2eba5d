"""An error, what it came from, and whether a disk refused: full, over its quota, read-only."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator, Mapping

REFUSED = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
# Where libraries keep the error that theirs stands for: Ray, SQLAlchemy, Ray Train (four of them).
_OWN = ("cause", "orig", "worker_failures", "controller_failure", "health_check_failure")
_KEPT = (*_OWN, "_base_exc", "__cause__", "__context__")


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """`error` and every error that it holds or was raised from, each once, outer ones first."""
    seen: set[int] = set()
    left: list[object] = [error]
    while left:
        one = left.pop(0)
        if isinstance(one, Mapping):
            left += one.values()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        left += [getattr(one, name, None) for name in _KEPT]


def refusal(error: BaseException) -> str:
    """What a disk said, in one line, where that is what `error` came from; otherwise empty."""
    for one in causes(error):
        if isinstance(one, OSError) and one.errno in REFUSED:
            return f"{one.strerror}: {one.filename}" if one.filename else str(one.strerror)
        if isinstance(one, sqlite3.Error) and one.sqlite_errorcode == sqlite3.SQLITE_FULL:
            return str(one)
    return ""
