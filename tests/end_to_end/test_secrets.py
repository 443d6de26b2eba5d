"""A secret that sweeper was given is in nothing that it leaves behind or says."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reports.build import build
from sweeper.faults import Fault, Incident
from sweeper.records import TrialResult, TrialStatus
from sweeper.tracking import analysed, history
from sweeper.tracking.writer import Writer
from tests.tracking import made

SECRET = "open-sesame-42"
OTHER = "abracadabra-43"
ADDRESS = f"postgresql://sweeper:{SECRET}@127.0.0.1:9/db"


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command line and an environment with secrets in them."""
    monkeypatch.setattr(sys, "argv", ["sweeper", "run", "x.yaml", "--store", ADDRESS])
    monkeypatch.setenv("HF_TOKEN", OTHER)


def holding(folder: Path) -> list[str]:
    """The files under `folder` in which one of the secrets stands."""
    found = []
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        found += [str(path) for secret in (SECRET, OTHER) if secret.encode() in content]
    return found


@pytest.mark.usefixtures("given")
def test_no_file_of_store_and_report_holds_it(tmp_path: Path) -> None:
    store, plan = made.blank_store(tmp_path), made.ablation()
    first, second, *_ = plan.trials()
    with Writer(store, plan) as writer:
        reason = f"OSError: {ADDRESS} and https://x/?token={SECRET} refused {OTHER}"
        failed = TrialResult(first.id, TrialStatus.FAILED, reason=reason, epochs=0)
        made.train(writer, first, failed)
        made.train(writer, second)
        writer.incident(Incident(Fault.STORE_AWAY, when=1, note=f"{ADDRESS} does not answer"))
        trial = history.recorded_trials(store)[second.id]
        analysed.refuse(store, trial, "attention", f"not from {ADDRESS}")
        report = build(store.uri, plan.sweep, tmp_path / "report", plan.profile)
        writer.attach(report.parent)
    (launch,) = history.launches(store, plan.sweep)
    assert launch.provenance["command"].endswith("postgresql://sweeper:HIDDEN@127.0.0.1:9/db")
    assert "sweeper:HIDDEN@" in report.read_text()
    assert len([*tmp_path.rglob("*")]) > 20
    assert holding(tmp_path) == []


@pytest.mark.usefixtures("given")
def test_no_traceback_of_a_failed_trial_holds_it(tmp_path: Path) -> None:
    from ray import cloudpickle

    from sweeper.execution.failure import failure_of

    text = f"Traceback:\n  open({ADDRESS!r})\nOSError: {OTHER} refused by {ADDRESS}\n"
    (tmp_path / "error.txt").write_text(text)
    raised = OSError(text)
    raised.cause = OSError(text)  # type: ignore[attr-defined] # as Ray's own have
    (tmp_path / "error.pkl").write_bytes(cloudpickle.dumps(raised))
    for pickled in (None, str(tmp_path / "error.pkl")):
        trial: Any = SimpleNamespace(
            pickled_error_file=pickled, error_file=str(tmp_path / "error.txt")
        )
        failure = failure_of(trial)
        told = (failure.reason, failure.trace)
        assert all("HIDDEN refused by postgresql://sweeper:HIDDEN@127" in each for each in told)
        assert not any(secret in each for each in told for secret in (SECRET, OTHER))


def test_a_sweep_file_may_hold_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.spec.sheet import BASE, complaints

    monkeypatch.setenv("HF_TOKEN", OTHER)
    for text, what in ((ADDRESS, "an address with a password"), (OTHER, "the value of HF_TOKEN")):
        found = complaints(tmp_path, f"{BASE.rstrip()}\n  template: '{text}'\n")
        assert len(found) == 1
        assert found[0].startswith(f"sweep.yaml:5:13: {what}")
        assert text not in found[0]
