"""What a launch finds of those before it: one that never ended, a clock that went back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from sweeper.faults import Fault, Incident
from sweeper.spec.plan import Plan
from sweeper.tracking.history import Launch, RecordedTrial


def incidents(
    plan: Plan,
    launches: list[Launch],
    recorded: Mapping[str, RecordedTrial],
    storage: Path,
    reused: int,
) -> list[Incident]:
    """What the report is to say of `launches`, those of the sweep before this one, newest first.

    No other driver may be at `plan`: a launch of it that still runs by the store has died.
    """
    now, found = time.time_ns() // 1_000_000, []
    own = next((launch for launch in launches if launch.digest == plan.digest), None)
    if own is not None and own.running:
        begun = sum(1 for trial in recorded.values() if _goes_on(trial, plan, storage))
        note = (
            f"the launch of {_said(own.launched)} ended without a word; {reused} trials are "
            f"reused, {begun} go on from checkpoints"
        )
        found.append(Incident(Fault.DRIVER_DIED, now, note=note))
    if launches and now < launches[0].launched:
        note = f"it says {_said(now)}, and the last launch was at {_said(launches[0].launched)}"
        found.append(Incident(Fault.CLOCK_BACK, now, note=note))
    return found


def _goes_on(trial: RecordedTrial, plan: Plan, storage: Path) -> bool:
    from sweeper.execution.job import checkpoint_file

    open_ = trial.result is None or not trial.result.status.final
    asked = plan.digest in trial.used_by
    return open_ and asked and checkpoint_file(storage, trial.trial_id).exists()


def _said(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, tz=UTC):%Y-%m-%d %H:%M} UTC"
