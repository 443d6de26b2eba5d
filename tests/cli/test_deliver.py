"""What waits on disk is said by `status` and `report`, and recorded by `deliver`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sweeper.tracking import history
from tests.cli.conftest import Said
from tests.tracking import made
from tests.tracking.launched import plan
from tests.tracking.test_delivery import abandoned, told

Command = Callable[..., Said]


def test_what_waits_is_said_and_delivered_to_the_store_that_it_waits_for(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results"
    store = made.blank_store(results)
    path = abandoned(store, results, told(0))
    hint = f"5 records of small, profile demo (1 trials ended) wait in {path}"
    for words in (("status", "small"), ("report", "small")):
        said = command(*words)
        assert said.code == 0, said.err
        assert hint in said.err
        assert "`sweeper deliver`" in said.err
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'other.db'}")
    said = command("deliver", "--json")
    assert said.code == 0, said.err
    (batch,) = json.loads(said.out)["delivered"]
    assert (batch["sweep"], batch["records"], batch["ended"]) == ("small", 5, 1)
    assert len(history.finished(store, [plan().trials()[0].id])) == 1
    assert not (tmp_path / "other.db").exists()
    assert command("deliver").out == "nothing waits in results\n"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert "wait" not in command("status", "small").err


def test_records_for_a_store_that_is_away_stay_and_the_error_says_where(
    command: Command, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    path = abandoned(made.blank_store(results), results, told(0))
    said = command("deliver", "--store", "http://127.0.0.1:9")
    assert said.code == 2
    assert "does not answer" in said.err
    assert f"5 records of small, profile demo (1 trials ended) wait in {path}" in said.err
    assert path.exists()
