"""A real MLflow server is killed under a spool and started again, and once stays away."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.errors import FaultError
from sweeper.faults import Incident
from sweeper.tracking import delivery, history, names, spool
from sweeper.tracking.artifact import artifact
from sweeper.tracking.store import open_store
from tests.mlflow_server import Server
from tests.tracking.launched import begin, finished, learned, left, plan, wait_for
from tests.tracking.test_writer import points

from . import made

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_what_a_killed_server_misses_is_delivered_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "LAST_WAIT", 300.0)  # a server takes its time on a busy machine
    one, two, three, four = plan().trials()
    results, shown = tmp_path / "results", list[Incident]()
    with Server(tmp_path / "server") as server:
        store = open_store(server.uri, create=True)
        with begin(store, results, shown) as told:
            made.train(told, one)
            told.flush()
            server.kill()
            made.train(told, two)
            told.trial_started(three, 1)
            told.trial_ended(three, finished(three, results))
            learned(results, three.id).unlink()
            wait_for(lambda: bool(shown), 30)
            server.start()
            told.flush()
            assert history.finished(store, [two.id, three.id]).keys() == {two.id, three.id}
        assert left(results) == []
        assert len(shown) == 2

        def launch() -> None:
            with begin(store, results, shown) as told:
                server.kill()
                made.train(told, four)
                monkeypatch.setattr(spool, "LAST_WAIT", 0.1)
                told.flush()

        with pytest.raises(FaultError, match=r"records wait in .*`sweeper deliver`"):
            launch()
        server.start()
        (batch,) = delivery.deliver(results, lambda written: written)
        assert batch.ended == 1

        recorded = history.recorded_trials(store)
        for spec in (one, two, four):
            trial = recorded[spec.id]
            assert trial.result is not None
            found = points(store, trial.run_id, "val/acc")
            assert found == [(1, 0.5), (2, 0.5), (3, 0.5)]
        kept = artifact(store, recorded[three.id], f"{names.TRAINED_FOLDER}/{names.TRAINED_FILE}")
        assert kept is not None
        assert kept.read_text() == f"what {three.id} learned"
        (launch_run,) = history.launches(store, "small")
        assert len(launch_run.incidents) == 2
        assert all("back after" in incident.note for incident in launch_run.incidents)
