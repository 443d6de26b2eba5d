"""A time in which the store was away, as an incident: told when it begins, and again, in the place
of the first, when it is over.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

from sweeper.faults import Fault, Incident
from sweeper.tracking.event import Event
from sweeper.tracking.store import shortened

MOST = 300  # characters of a reason that are told


def begun(why: str) -> Incident:
    """The store is away from now on."""
    note = f"{shortened(why, MOST)}; training went on, records waited on disk"
    return Incident.now(Fault.STORE_AWAY, note)


def over(outage: Incident, records: int) -> Incident:
    """It is back, and `records` waited. Of the same time, so that it stands for both."""
    took = max(0, time.time_ns() // 1_000_000 - outage.when) // 1000
    said = "1 record is" if records == 1 else f"{records} records are"
    return replace(outage, note=f"{outage.note}; back after {took} s, {said} delivered")


def lasting(events: Iterable[Event]) -> Incident | None:
    """The outage among `events` that was not over when they were told."""
    found: Incident | None = None
    for event in events:
        said = event.said
        if isinstance(said, Incident) and said.fault is Fault.STORE_AWAY:
            found = None if found is not None and said.when == found.when else said
    return found
