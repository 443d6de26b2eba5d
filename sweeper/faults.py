"""What can go wrong under a launch and what is done about it: one table, and what happened of it.

`RULES` is that table. README prints it, and a test holds the two together. Nothing else decides
between trying again, shrinking, skipping and stopping.
"""

from __future__ import annotations

import enum
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

RETRIES = 3  # of a trial after faults that count, without a new epoch between them


class Remedy(enum.StrEnum):
    """The four things that can be done about a fault."""

    RETRY = "retry"  # the same again, from what was saved
    SHRINK = "shrink"  # the same in smaller pieces
    SKIP = "skip"  # the trial is over, the sweep goes on
    STOP = "stop"  # the launch ends; the same command goes on


class Fault(enum.StrEnum):
    """A kind of thing that goes wrong."""

    WORKER_DIED = "worker died"
    OUT_OF_MEMORY = "out of memory"
    GPU_MEMORY = "GPU memory"
    NODE_LOST = "node lost"
    PREEMPTED = "node preempted"
    NODE_UNFIT = "node unfit"
    RAISED = "error raised"
    HUNG = "trial hung"
    DIVERGED = "diverged"
    STORE_AWAY = "store away"
    DISK_FULL = "disk full"
    DRIVER_DIED = "driver died"
    INTERRUPTED = "interrupted"
    CLOCK_BACK = "clock set back"
    LAUNCHED_TWICE = "launched twice"


@dataclass(frozen=True)
class Rule:
    """One row of the table. `counts`: towards `RETRIES`, after which the trial is skipped."""

    remedy: Remedy
    noticed: str
    then: str
    counts: bool = False


RULES: Mapping[Fault, Rule] = MappingProxyType(
    {
        Fault.WORKER_DIED: Rule(
            Remedy.RETRY,
            "Ray says that the worker's process is gone",
            "another worker goes on from the trial's checkpoint",
            counts=True,
        ),
        Fault.OUT_OF_MEMORY: Rule(
            Remedy.RETRY,
            "Ray ended the worker because its node had (nearly) no memory left",
            "a fresh worker goes on from the trial's checkpoint",
            counts=True,
        ),
        Fault.GPU_MEMORY: Rule(
            Remedy.SHRINK,
            "torch says that the GPU, or the trial's share of it, is full",
            "batches are cut into micro-batches of the same effective batch, and the cell is "
            "marked; several workers cannot, and raise it as an error",
        ),
        Fault.NODE_LOST: Rule(
            Remedy.RETRY,
            "Ray says that the worker's node is gone",
            "a worker of another node goes on from the checkpoint, now or when a node is added",
        ),
        Fault.PREEMPTED: Rule(
            Remedy.RETRY,
            "the node was drained after a notice of its provider",
            "as after a lost node; nothing new is placed there from the notice on",
        ),
        Fault.NODE_UNFIT: Rule(
            Remedy.STOP,
            "a node has joined without the shared storage, or the user's images or weights",
            "the launch ends with exit code 6 before anything trains there; mount them or take "
            "the node away, and the same command goes on",
        ),
        Fault.RAISED: Rule(
            Remedy.RETRY,
            "the trial raised an error",
            "the trial goes on from its checkpoint",
            counts=True,
        ),
        Fault.HUNG: Rule(
            Remedy.RETRY,
            "no word of a trial that has its worker for `budget.max_silence_minutes` (60)",
            "its worker is ended, another one goes on from the checkpoint",
            counts=True,
        ),
        Fault.DIVERGED: Rule(
            Remedy.SKIP,
            "the loss left the finite numbers",
            "recorded as a result, never trained again",
        ),
        Fault.STORE_AWAY: Rule(
            Remedy.RETRY,
            "MLflow does not answer, or refuses: stopped, locked, read-only",
            "training goes on, records wait on disk and are delivered in their order; what still "
            "waits at the end is delivered by the next launch or `sweeper deliver`",
        ),
        Fault.DISK_FULL: Rule(
            Remedy.STOP,
            "a worker or the driver could not write: no room, over the quota, read-only",
            "the launch ends with exit code 6; what is recorded stays, and the same command goes "
            "on when there is room",
        ),
        Fault.DRIVER_DIED: Rule(
            Remedy.RETRY,
            "the launch before this one did not end",
            "the same command trains what is missing, from checkpoints",
        ),
        Fault.INTERRUPTED: Rule(
            Remedy.STOP,
            "Ctrl-C, or SIGTERM: `kill`, Slurm, Kubernetes",
            "the first ends the launch when nothing is half done, the second at once",
        ),
        Fault.CLOCK_BACK: Rule(
            Remedy.RETRY,
            "the clock stands before the time of the last launch",
            "the launch counts as the newest all the same",
        ),
        Fault.LAUNCHED_TWICE: Rule(
            Remedy.STOP,
            "another launch of the same sweep and profile is under way",
            "the second one ends before anything is launched, and says where the first one runs",
        ),
    }
)


def rules_table() -> str:
    """The table as Markdown, which README has."""
    rows = [
        f"| {fault} | {rule.noticed} | {rule.remedy}{'*' * rule.counts} | {rule.then} |"
        for fault, rule in RULES.items()
    ]
    return "\n".join(["| fault | noticed by | remedy | what is done |", "|---|---|---|---|", *rows])


@dataclass(frozen=True)
class Incident:
    """A fault that happened. when: milliseconds since 1970 by the driver's clock."""

    fault: Fault
    when: int
    trial: str = ""  # id; empty where it is the whole launch's
    note: str = ""  # one line: what was seen, and from where it goes on

    @classmethod
    def now(cls, fault: Fault, note: str, trial: str = "") -> Incident:
        """What happens at this moment."""
        return cls(fault, time.time_ns() // 1_000_000, trial, note)

    def to_json(self) -> str:
        """One line that `from_json` reads back."""
        return json.dumps(asdict(self) | {"fault": str(self.fault)}, sort_keys=True)

    @classmethod
    def from_json(cls, line: str) -> Incident:
        """The inverse of `to_json`."""
        values = json.loads(line)
        return cls(**values | {"fault": Fault(values["fault"])})
