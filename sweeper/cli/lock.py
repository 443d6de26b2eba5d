"""One launch of a sweep and profile at a time in a results folder, whatever the clock says.

The lock is the system's: it ends with the process, however that ends. The file that is locked says
who holds it.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sweeper.cli.output import stderr
from sweeper.errors import InputError, Problem
from sweeper.holder import Holder, twice
from sweeper.spec.plan import Plan

FOLDER = "running"  # in the results folder, while something runs
SECONDS = 1.0  # that a launch waits for one that is just ending
_NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP})


@contextmanager
def alone(results: Path, plan: Plan) -> Iterator[None]:
    """Nobody else launches this sweep and profile in `results` for the time of the block.

    Raises InputError where somebody does. Where the file system knows no locks, that is said, and
    the lease in the store has to do. What this made in `results` is gone after the block.
    """
    path = results / FOLDER / f"{plan.file_name}.lock"
    made = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    lock, ours = FileLock(path, timeout=SECONDS, fallback_to_soft=False), False
    try:
        _acquire(lock, plan)
        ours = True
        path.write_text(Holder.here().to_json(), encoding="utf-8")
        yield
    finally:
        if ours:
            path.unlink(missing_ok=True)
            lock.release()
        for folder in (path.parent, *made):
            with suppress(OSError):  # something is in it, or it is gone
                folder.rmdir()


def _acquire(lock: FileLock, plan: Plan) -> None:
    try:
        lock.acquire()
    except Timeout:
        raise twice(plan.title, _holder(Path(lock.lock_file))) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            got = f"{lock.lock_file}: {error.strerror}"
            raise InputError(Problem("--results", got, "a file that this user locks")) from error
        stderr.print(
            f"{lock.lock_file}: this file system knows no locks ({error.strerror}); whether "
            "another launch is under way is told by the store alone",
            markup=False,
            soft_wrap=True,
        )


def _holder(path: Path) -> str:
    try:
        return str(Holder.from_json(path.read_text(encoding="utf-8")))
    except (OSError, json.JSONDecodeError, TypeError):
        return "another process"  # which has not yet said who it is
