"""What launches left on disk for a store that was away, or when they were killed: recorded now.

To deliver the same twice is to deliver it once. So a journal goes as a whole, when all it holds is
in the store, and whatever ends a delivery before that changes nothing but what is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from sweeper.errors import StoreError
from sweeper.records import TrialResult
from sweeper.tracking import outage
from sweeper.tracking.event import Event
from sweeper.tracking.journal import Journal, left_behind
from sweeper.tracking.store import open_store
from sweeper.tracking.writer import Writer

_HERE, _SECRET = "{results}", "***"


@dataclass(frozen=True)
class Batch:
    """The records of one launch that wait, or that were delivered."""

    sweep: str
    profile: str
    store: str  # that they wait for, without name and password
    path: Path
    records: int
    ended: int  # trials among them whose end is told

    @classmethod
    def of(cls, journal: Journal) -> Batch:
        """What `journal` holds; how its launch ended is no record."""
        plan, events = journal.head.plan, _records(journal)
        ended = {e.said.trial_id for e in events if isinstance(e.said, TrialResult)}
        store = journal.head.store.replace(_HERE, str(journal.path.parent))
        return cls(plan.sweep, plan.profile, store, journal.path, len(events), len(ended))

    def __str__(self) -> str:
        said = f"{self.sweep}, profile {self.profile}" if self.profile else self.sweep
        return f"{self.records} records of {said} ({self.ended} trials ended)"


def written(uri: str, results: Path) -> str:
    """How a journal in `results` names a store: one in there moves with it, and a name and
    password are left out.
    """
    if uri.startswith("sqlite:"):
        return uri.replace(str(results.resolve()), _HERE)
    login, at, _ = urlsplit(uri).netloc.rpartition("@")
    return uri.replace(login + at, f"{_SECRET}@", 1) if at else uri


def address(store: str, results: Path, known: str | None = None) -> str:
    """The inverse of `written`. known: an address that may be the one.

    Raises StoreError where it needs a password that was not written.
    """
    if known is not None and written(known, results) == store:
        return known
    if _SECRET in store:
        raise StoreError(f"{store}: its password is not on disk; name the store with --store")
    return store.replace(_HERE, str(results.resolve()))


def waiting(results: Path) -> list[Batch]:
    """The records that wait in `results`, but for those of launches under way."""
    return [Batch.of(journal) for journal in left_behind(results)]


def deliver(results: Path, to: Callable[[str], str | None]) -> Iterator[Batch]:
    """Record what waits in `results`, but for launches under way; yields each launch when it is
    done.

    to: a store as `written` -> the address that its records go to, None to leave them.
    Raises StoreError when a store refuses; what was not delivered waits on.
    """
    for journal in left_behind(results):
        uri, batch = to(journal.head.store), Batch.of(journal)
        if uri is None:
            continue
        try:
            _record(journal, uri)
        except StoreError as error:
            hint = (
                "; to give up those that it will never take, take their lines out of that file"
                if error.refused
                else ""
            )
            raise StoreError(f"{error}. {batch} wait in {journal.path}{hint}") from error
        journal.remove()
        yield batch


def _record(journal: Journal, uri: str) -> None:
    head, events = journal.head, journal.events
    store = open_store(uri, create=True)
    writer = Writer(store, head.plan, trained=journal.kept, origin=head.origin, late=True)
    for event in events:
        event.tell(writer)
    away = outage.lasting(events)
    if away is not None:
        writer.incident(outage.over(away, len(_records(journal)) - 1))


def _records(journal: Journal) -> list[Event]:
    return [event for event in journal.events if not isinstance(event.said, str)]
