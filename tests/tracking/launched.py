"""A small launch through the spool, as a driver tells it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sweeper.faults import Incident
from sweeper.records import TrialResult
from sweeper.spec.plan import Plan
from sweeper.spec.trial import TrialSpec
from sweeper.tracking import history, names
from sweeper.tracking.spool import Spool
from sweeper.tracking.store import Store

from . import made


def plan() -> Plan:
    cells = tuple(made.cell(prompt_length=n, seeds=(0, 1)) for n in (4, 8))
    return Plan(sweep="small", profile="demo", seeds=(0, 1), cells=cells)


def learned(folder: Path, trial_id: str) -> Path:
    return folder / "checkpoints" / trial_id / "state.safetensors"


def begin(store: Store, folder: Path, shown: list[Incident] | None = None) -> Spool:
    trained, show = partial(learned, folder), ([] if shown is None else shown).append
    return Spool.begin(store, plan(), folder, reused=[], trained=trained, show=show)


def wait_for(reached: Callable[[], bool], seconds: float = 100) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.02)


def finished(spec: TrialSpec, folder: Path | None = None) -> TrialResult:
    """A result of `spec`, which has learned something where there is a `folder` for it."""
    result = made.result(spec)
    if folder is not None:
        result.provenance[names.TRAINED] = "d"
        path = learned(folder, spec.id)
        path.parent.mkdir(parents=True)
        path.write_text(f"what {spec.id} learned")
    return result


class Away:
    """While entered, every call of the writers' is refused; counts them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
        self.calls, self._error, self._patch = 0, error, monkeypatch

    def __enter__(self) -> Away:
        self._context = self._patch.context()
        patch = self._context.__enter__()
        patch.setattr(Store, "log", self._refuse)
        patch.setattr(history, "recorded_trials", self._refuse)
        return self

    def __exit__(self, *error: object) -> None:
        self._context.__exit__(None, None, None)

    def _refuse(self, *_args: Any, **_named: Any) -> None:
        self.calls += 1
        raise self._error


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("undelivered")]


def incidents(store: Store) -> list[Incident]:
    (launch,) = history.launches(store, "small")
    return list(launch.incidents)
