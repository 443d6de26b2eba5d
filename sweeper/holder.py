"""Who is at a launch: a process, told from every other one without a clock.

A pid means something only on its own machine since its last start, and only in its own space of
pids, which a container has for itself; a pid that the system gave away again started later.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sweeper.errors import InputError, Problem

_ENDED = frozenset("ZXx")  # states of a process that runs no more, though it is still listed


@dataclass(frozen=True)
class Holder:
    """A process. `host` and `since` are for people alone: names and clocks may be wrong."""

    host: str
    machine: str  # this start of the machine, and the space of pids
    pid: int
    started: str  # when the process did, by the machine's ticks; empty where nobody says
    since: str

    @classmethod
    def here(cls) -> Holder:
        """This process, from now on."""
        now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        return cls(socket.gethostname(), _machine(), os.getpid(), _started(os.getpid()) or "", now)

    def is_here(self) -> bool:
        """Whether it is this process."""
        return self._mark() == Holder.here()._mark()

    def lives(self) -> bool | None:
        """Whether the process still runs; None where it is on another machine, or might be."""
        if self.machine != _machine():
            return None
        return _started(self.pid) == self.started

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since}"

    def to_json(self) -> str:
        """One line that `from_json` reads back."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, line: str) -> Holder:
        """The inverse of `to_json`."""
        return cls(**json.loads(line))

    def _mark(self) -> tuple[str, int, str]:
        return self.machine, self.pid, self.started


def twice(title: str, holder: str) -> InputError:
    """What the second launch of a sweep is told; `title`: its sweep and profile."""
    return InputError(
        Problem(
            f"sweep {title}",
            f"is being run by {holder}",
            "one launch at a time",
            "Wait for it, or end it there with Ctrl-C or `kill`: the same command then goes on.",
        )
    )


def lives(pid: int) -> bool:
    """Whether a process of this machine runs."""
    return _started(pid) is not None


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:  # no Linux
        return socket.gethostname()


def _started(pid: int) -> str | None:
    """When a process of this machine started; empty where the system does not say, None where it
    has ended.
    """
    if not Path("/proc/self/stat").exists():
        return "" if _listed(pid) else None
    try:
        said = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *rest = said.rpartition(")")[2].split()  # the name before may hold anything
    return None if state in _ENDED else rest[18]


def _listed(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True
