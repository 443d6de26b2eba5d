"""What waits for the store: a file of lines in the results folder, one a launch.

The first line is its `Head`, all that is needed to record the rest without the process that wrote
it; each other one is an `Event`. A line counts when it is whole, so that a kill in the middle of
one leaves what was there before it. What finished trials have learned waits in a folder beside.
Whoever uses a journal holds a lock on it, which ends with the process.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sweeper.errors import FaultError
from sweeper.faults import Fault
from sweeper.spec.plan import Plan
from sweeper.tracking import names
from sweeper.tracking.event import Event
from sweeper.tracking.origin import Origin

VERSION = 1
PATIENCE = 1.0  # seconds that a reader waits for another one


@dataclass(frozen=True)
class Head:
    """Whose records wait, and for which store (see `delivery.written`)."""

    store: str
    plan: Plan
    origin: Origin

    def to_json(self) -> str:
        """One line that `from_json` reads back."""
        plan = self.plan.model_dump(mode="json")
        said = {"version": VERSION, "store": self.store, "origin": self.origin.to_json()}
        return json.dumps(said | {"plan": plan})

    @classmethod
    def from_json(cls, line: str) -> Head:
        """The inverse of `to_json`. Raises ValueError, KeyError or TypeError for anything else."""
        found = json.loads(line)
        if found["version"] != VERSION:
            raise ValueError(f"version {found['version']}, and this sweeper reads {VERSION}")
        plan = Plan.model_validate_json(json.dumps(found["plan"]))
        return cls(found["store"], plan, Origin(**found["origin"]))


class Journal:
    """An open journal, locked. Made by `create` and `opened`; not for several threads at once."""

    def __init__(self, path: Path, file: int, head: Head, events: list[Event], start: int) -> None:
        self.path, self.head, self.events = path, head, events  # events: as they were when opened
        self._file, self._start = file, start

    @classmethod
    def create(cls, folder: Path, head: Head) -> Journal:
        """A new one in `folder`. Raises FaultError where the disk does not take it."""
        name = f"undelivered-{head.plan.sweep}-{head.origin.launched}.jsonl"
        path = folder.absolute() / name
        with _writing(path):
            folder.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        line = (head.to_json() + "\n").encode()
        journal = cls(path, file, head, [], len(line))
        try:
            journal._append(line)
            _sync(path.parent)
        except FaultError:
            journal.remove()
            raise
        return journal

    def append(self, event: Event) -> None:
        """One more line, on disk when this returns. Raises FaultError and leaves none if not."""
        self._append((event.to_json() + "\n").encode())

    def keep(self, trial_id: str, files: Iterable[Path]) -> None:
        """Hold on to `files` of a trial, which may be removed where they are now."""
        files, place = list(files), self.kept(trial_id).parent
        if not files:
            return
        with _writing(self.path):
            place.mkdir(parents=True, exist_ok=True)
            for file in files:
                (place / file.name).unlink(missing_ok=True)
                try:
                    os.link(file, place / file.name)
                except OSError:  # not every file system has links
                    shutil.copyfile(file, place / file.name)
            _sync(place)

    def kept(self, trial_id: str) -> Path:
        """Where `keep` puts what a trial has learned; its other files stand beside it."""
        return self.path.with_suffix("") / trial_id / names.TRAINED_FILE

    def forget(self, trial_id: str) -> None:
        """Let go of what `keep` holds of a trial."""
        shutil.rmtree(self.kept(trial_id).parent, ignore_errors=True)

    def clear(self) -> None:
        """Drop all events; the head stays."""
        with _writing(self.path):
            os.ftruncate(self._file, self._start)

    def remove(self) -> None:
        """It is needed no more, nor what it keeps."""
        shutil.rmtree(self.path.with_suffix(""), ignore_errors=True)
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Leave it to whoever comes next."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _append(self, line: bytes) -> None:
        before = os.fstat(self._file).st_size
        with _writing(self.path):
            try:
                left = memoryview(line)
                while left:
                    left = left[os.write(self._file, left) :]
                os.fsync(self._file)
            except BaseException:  # Ctrl-C among them
                os.ftruncate(self._file, before)
                raise


def left_behind(folder: Path) -> Iterator[Journal]:
    """The journals in `folder` that no launch uses and that hold events, oldest first, each open
    until the next one is asked for. One without events is removed.

    Raises FaultError where one cannot be read.
    """
    paths = folder.absolute().glob("undelivered-*.jsonl")
    for path in sorted(paths, key=lambda path: (path.stem.rpartition("-")[2], path.name)):
        journal = _opened(path)
        if journal is not None:
            with closing(journal):
                yield journal


def _opened(path: Path) -> Journal | None:
    """The journal at `path`; None where a launch uses it or has removed it, and where it is empty:
    then it is removed.
    """
    with ExitStack() as undo:
        try:
            file = os.open(path, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            return None
        undo.callback(os.close, file)
        if not _locked(file) or not path.exists():
            return None
        *lines, _torn = path.read_bytes().split(b"\n")
        if not lines[1:]:
            path.unlink()
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            return None
        head, *events = (_read(path, number, line) for number, line in enumerate(lines, start=1))
        assert isinstance(head, Head)
        undo.pop_all()
        told = [event for event in events if isinstance(event, Event)]
        return Journal(path, file, head, told, len(lines[0]) + 1)


def _read(path: Path, number: int, line: bytes) -> Head | Event:
    try:
        return Head.from_json(line.decode()) if number == 1 else Event.from_json(line.decode())
    except (ValueError, KeyError, TypeError) as error:
        raise FaultError(
            f"{path}:{number}: cannot be read: {error}. Deliver it with the sweeper that wrote it; "
            "if it is damaged, take the line out: what it told is then trained again"
        ) from error


def _locked(file: int) -> bool:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(PATIENCE / 20)


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """What the disk refuses ends the launch."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = f"{Fault.DISK_FULL} at" if full else "cannot write"
        raise FaultError(
            f"{what} {path}: {error.strerror or error}. What is recorded stays; the same command "
            "goes on when the results folder takes files again"
        ) from error
