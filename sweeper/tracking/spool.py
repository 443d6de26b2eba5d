"""Between the driver and the writer: what is told is on disk at once, and in the store when the
store takes it.

One thread delivers the journal's events in their order. A store that is away is tried again and
again while training goes on; the first failure is told as an incident, which is replaced, once all
that waited is delivered, with how long it took. Whoever kills this process at any moment finds the
events that were not delivered in the journal, and what `delivery` does with them is harmless for
those that were.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Protocol

from sweeper.errors import FaultError, StoreError, SweeperError
from sweeper.faults import Fault, Incident
from sweeper.records import EpochRecord, TrialResult
from sweeper.spec.plan import Plan
from sweeper.spec.trial import TrialSpec
from sweeper.tracking import outage
from sweeper.tracking.delivery import written
from sweeper.tracking.event import Event
from sweeper.tracking.journal import Head, Journal
from sweeper.tracking.origin import Origin
from sweeper.tracking.store import Store
from sweeper.tracking.trained import files_left
from sweeper.tracking.writer import Writer, end_of

SOONEST, LATEST = 1.0, 30.0  # seconds between two attempts; doubled from the one to the other
LAST_WAIT = 60.0  # seconds that the end of a launch waits for a store that is away
LAST_CALL = 5.0  # seconds that it waits then for a call under way


class Opener(Protocol):
    """Makes the writer of a launch; `late`: the launch was opened before."""

    def __call__(self, *, late: bool) -> Writer:
        """Raises StoreError where the store refuses."""
        ...


class Spool:
    """A listener of the driver. Use it as a context manager around the launch and its report.

    trained: trial id -> the file in which a worker left what the trial has learned; it may be gone
    once `trial_ended` has returned.
    show: told of incidents of the store, from any thread.
    Every method raises what delivering raised, but for a StoreError that may pass.
    """

    def __init__(
        self,
        journal: Journal,
        opener: Opener,
        *,
        trained: Callable[[str], Path],
        show: Callable[[Incident], None],
    ) -> None:
        self._journal, self._opener, self._trained, self._show = journal, opener, trained, show
        self._changed = threading.Condition()  # guards all that follows, and the journal
        self._waiting: deque[Event] = deque()
        self._outage: Incident | None = None  # until all that waited is delivered
        self._caught_up = 0  # events delivered since it began, the incident itself among them
        self._broken: BaseException | None = None
        self._stopped = False
        self._hurried = False
        self._delivered = time.monotonic()  # when the last event was
        try:
            self._writer: Writer | None = opener(late=False)
        except BaseException:
            journal.remove()  # nothing was told yet
            raise
        self._thread = threading.Thread(target=self._deliver, name="delivery", daemon=True)
        self._thread.start()

    @classmethod
    def begin(
        cls,
        store: Store,
        plan: Plan,
        results: Path,
        *,
        reused: Iterable[str],
        trained: Callable[[str], Path],
        show: Callable[[Incident], None],
    ) -> Spool:
        """The spool of a launch of `plan` that begins now, with its journal in `results`.

        reused: ids of trials that this launch takes from the store instead of training them.
        Raises StoreError where the store refuses; nothing is left behind then.
        """
        origin, reused = Origin.now(plan), list(reused)
        journal = Journal.create(results, Head(written(store.uri, results), plan, origin))

        def opener(*, late: bool) -> Writer:
            mine = () if late else reused
            return Writer(store, plan, reused=mine, trained=journal.kept, origin=origin, late=late)

        return cls(journal, opener, trained=trained, show=show)

    def trial_started(self, spec: TrialSpec, attempt: int) -> None:
        """See `Listener`."""
        self._say(Event.now(attempt, spec))

    def epoch(self, spec: TrialSpec, record: EpochRecord) -> None:
        """See `Listener`."""
        self._say(Event.now(record, spec))

    def trial_ended(self, spec: TrialSpec, result: TrialResult) -> None:
        """See `Listener`."""
        self._journal.keep(spec.id, files_left(spec, result, self._trained(spec.id)))
        self._say(Event.now(result, spec))

    def incident(self, incident: Incident) -> None:
        """See `Listener`."""
        self._say(Event(incident))

    def flush(self) -> None:
        """Returns when everything is delivered. Raises FaultError where the store stays away."""
        began = time.monotonic()
        with self._changed:
            self._hurried = True
            self._changed.notify_all()
            while self._waiting:
                self._check()
                quiet = time.monotonic() - max(began, self._delivered)
                if self._outage is not None and quiet > LAST_WAIT:
                    self._stopped = True
                    raise FaultError(
                        f"{Fault.STORE_AWAY}: {self._outage.note}. {len(self._waiting)} records "
                        f"wait in {self._journal.path}. When the store is back, `sweeper deliver` "
                        "or the same command delivers them"
                    )
                self._changed.wait(min(1.0, LAST_WAIT))
            self._check()

    def attach(self, folder: Path) -> None:
        """Keeps the report in `folder` with the launch, after a `flush`."""
        assert self._writer is not None
        assert not self._waiting
        self._writer.attach(folder)

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if not self._stopped and (error is None or error is not self._broken):
                self.flush()
                assert self._writer is not None
                self._writer.__exit__(kind, error, trace)
        except SweeperError as refusal:
            if error is None:
                raise
            # Nothing is lost, and what ended the launch is what comes out.
            self._show(replace(outage.begun(""), note=str(refusal)))
        finally:
            self._close(end_of(kind))

    def _close(self, status: str) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join(LAST_CALL)
        with self._changed:
            if self._waiting:
                with suppress(FaultError):  # no room: the launch will be taken for one that died
                    self._journal.append(Event(status))
                self._journal.close()
            else:
                self._journal.remove()

    def _say(self, event: Event) -> None:
        with self._changed:
            self._check()
            self._waiting.append(event)  # first: Ctrl-C may come between the two
            try:
                self._journal.append(event)
            except BaseException:
                self._waiting.pop()
                raise
            self._changed.notify_all()

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _deliver(self) -> None:
        """The thread. An error comes out in the driver, at what it says next."""
        try:
            while (event := self._next()) is not None:
                self._deliver_one(event)
        except BaseException as error:  # noqa: BLE001
            with self._changed:
                self._broken = error
                self._changed.notify_all()

    def _next(self) -> Event | None:
        with self._changed:
            while not self._waiting and not self._stopped:
                self._changed.wait()
            return None if self._stopped else self._waiting[0]

    def _deliver_one(self, event: Event) -> None:
        """Have `event` recorded, however long it takes, unless the launch ends before."""
        pause, reopened = SOONEST, False
        while True:
            try:
                if self._writer is None:
                    self._writer = self._opener(late=True)
                    reopened = True
                event.tell(self._writer)
                break
            except StoreError as error:
                self._writer = None  # a new one reads what the store has taken
                if error.refused and reopened:
                    raise
                if not self._away(str(error), pause):
                    return
                pause = SOONEST if self._hurried else min(2 * pause, LATEST)
        self._done(event)

    def _away(self, why: str, pause: float) -> bool:
        """Tell of an outage that begins, and wait; whether to try again."""
        with self._changed:
            if self._outage is None:
                self._outage = outage.begun(why)
                self._tell(self._outage)
            self._changed.wait_for(
                lambda: self._stopped or (self._hurried and pause > SOONEST), pause
            )
            return not self._stopped

    def _done(self, event: Event) -> None:
        with self._changed:
            if self._stopped:
                return  # the journal is somebody else's by now; told twice is told once
            self._waiting.popleft()
            self._delivered = time.monotonic()
            if self._outage is not None:
                self._caught_up += 1
                if not self._waiting:
                    self._tell(outage.over(self._outage, self._caught_up - 1))
                    self._outage, self._caught_up = None, 0
            if isinstance(event.said, TrialResult):
                self._journal.forget(event.said.trial_id)
            if not self._waiting:
                self._journal.clear()
            self._changed.notify_all()

    def _tell(self, incident: Incident) -> None:
        event = Event(incident)
        self._journal.append(event)
        self._waiting.append(event)
        self._show(incident)
