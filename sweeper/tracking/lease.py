"""The lease on a plan: a tag of the sweep's experiment that says which process is at it, and beats.

Two drivers with one store may have nothing else in common, no folder and no clock. So a driver
writes a tag of its own and raises the number in it every `BEAT` seconds. Whoever comes later sees
whether a process of its own machine lives, and watches the beats of one elsewhere. No times are
compared. MLflow cannot write a tag on the condition that there is none: a driver writes its own
first and then looks for others; of two that begin at the same moment at least one sees the other,
and gives way.
"""

from __future__ import annotations

import json
import random
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from sweeper.errors import StoreError
from sweeper.holder import Holder, twice
from sweeper.spec.plan import Plan
from sweeper.tracking import names
from sweeper.tracking.launch import open_experiment
from sweeper.tracking.store import Store, guard

BEAT = 15.0  # seconds between two beats
WATCH = 3 * BEAT  # seconds without a beat after which a lease counts as left behind
LOOK = 1.0  # seconds between two looks at another machine's lease


@contextmanager
def held(store: Store, plan: Plan) -> Iterator[None]:
    """No other driver is at `plan` in this store for the time of the block.

    Raises InputError where one is. It takes `WATCH` seconds to find that one of another machine is
    dead, which is said on stderr. A beat that the store does not take is missed, nothing more.
    """
    lease = _taken(store, plan)
    over = threading.Event()
    beating = threading.Thread(target=_beat, args=(lease, over), name="lease", daemon=True)
    beating.start()
    try:
        yield
    finally:
        over.set()
        beating.join(LOOK)
        if not beating.is_alive():  # otherwise it waits for the store, as this would
            with suppress(StoreError):  # a lease that stays is one of a process that is gone
                lease.remove()


@dataclass(frozen=True)
class Lease:
    """A lease as the store holds it, one's own or another's."""

    store: Store
    experiment: str  # id
    key: str  # of its tag
    holder: Holder = field(default_factory=Holder.here)
    beat: int = 0

    def write(self, beat: int) -> None:
        """Have the store say it."""
        said = json.dumps({"beat": beat, "holder": self.holder.to_json()})
        with guard(self.store.uri, "writing the lease"):
            self.store.client.set_experiment_tag(self.experiment, self.key, said)

    def remove(self) -> None:
        """Have the store say it no more."""
        from mlflow.exceptions import MlflowException

        with guard(self.store.uri, "ending the lease"):
            try:
                self.store.client.delete_experiment_tag(self.experiment, self.key)
            except MlflowException:
                if self.key in self.store.client.get_experiment(self.experiment).tags:
                    raise

    def lives(self) -> bool:
        """Whether its driver is still at the plan."""
        here = self.holder.lives()
        if here is not None:
            return here
        sys.stderr.write(
            f"the launch by {self.holder} has not said its end; watching for up to {WATCH:.0f} s "
            "whether it is still under way\n"
        )
        end = time.monotonic() + WATCH
        while time.monotonic() < end:
            time.sleep(LOOK)
            now = {lease.key: lease.beat for lease in leases(self.store, self.experiment)}
            if now.get(self.key) != self.beat:
                return self.key in now
        return False


def leases(store: Store, experiment: str, digest: str = "") -> list[Lease]:
    """The leases on plans whose digest begins with `digest`, whether they still beat or not."""
    with guard(store.uri, "reading leases"):
        tags = store.client.get_experiment(experiment).tags
    found = []
    for key, line in sorted(tags.items()):
        if key.startswith(names.LEASE + digest):
            said = json.loads(line)
            holder = Holder.from_json(said["holder"])
            found.append(Lease(store, experiment, key, holder, said["beat"]))
    return found


def _taken(store: Store, plan: Plan) -> Lease:
    """A lease of this process on `plan`, once there is no other. Raises InputError."""
    experiment, digest = open_experiment(store, plan.sweep), plan.digest
    while True:
        for each in leases(store, experiment, digest):
            if not each.holder.is_here() and each.lives():
                raise twice(plan.title, str(each.holder))
            each.remove()
        own = Lease(store, experiment, f"{names.LEASE}{digest}.{secrets.token_hex(8)}")
        own.write(0)
        if leases(store, experiment, digest) == [own]:
            return own
        own.remove()  # another began at the same moment; one of both will be first
        time.sleep(random.uniform(0, 2))


def _beat(lease: Lease, over: threading.Event) -> None:
    beat = 0
    while not over.wait(BEAT):
        beat += 1
        with suppress(StoreError):
            lease.write(beat)
