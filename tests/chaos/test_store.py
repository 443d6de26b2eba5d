"""The MLflow server is killed under a launch, for a while or for good: nothing is lost."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from sweeper.cli import launch
from sweeper.cli.deliver import deliver
from sweeper.errors import FaultError
from sweeper.faults import Fault
from sweeper.tracking import history, names, spool
from sweeper.tracking.store import open_store
from tests.chaos.world import cells, run, same, slow, sweep_file
from tests.mlflow_server import Server

pytestmark = slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server")) as found:
        yield found


class Meanwhile(threading.Thread):
    """Does something beside the launch, and says what went wrong in it."""

    def __init__(self, what: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._what, self._error = what, None
        self.start()

    def run(self) -> None:
        try:
            self._what()
        except BaseException as error:  # noqa: BLE001
            self._error = error

    def end(self) -> None:
        self.join(300)
        assert not self.is_alive()
        if self._error is not None:
            raise self._error


def wait_for(reached: Callable[[], bool], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.1)


def recorded(server: Server) -> int:
    """How many trials of live runs have ended, as the server's database says."""
    query = (
        "SELECT count(*) FROM tags JOIN runs USING (run_uuid) WHERE key = ? "
        "AND lifecycle_stage = 'active'"
    )
    with sqlite3.connect(server.folder / "mlflow.db", timeout=30) as database:
        return int(database.execute(query, (names.RESULT,)).fetchone()[0])


def waiting(folder: Path) -> list[str]:
    """The lines that wait in the results folder."""
    journals = list((folder / "results").glob("undelivered-*.jsonl"))
    return [line for path in journals for line in path.read_text().splitlines()[1:]]


def test_a_server_that_is_gone_for_good_loses_nothing_and_nothing_is_trained_again(
    tmp_path: Path,
    undisturbed: pd.DataFrame,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(spool, "LAST_WAIT", 1.0)

    def kill_it() -> None:
        wait_for(lambda: recorded(server) >= 1)
        server.kill()

    beside = Meanwhile(kill_it)
    with pytest.raises(FaultError, match=r"records wait in .*`sweeper deliver`"):
        run(tmp_path, store=server.uri)
    beside.end()
    before = recorded(server)
    ended = [line for line in waiting(tmp_path) if '"result"' in line]
    assert 1 <= before < 6
    assert before + len(ended) >= 6

    server.start()
    deliver(results=tmp_path / "results")
    assert recorded(server) == 6
    capsys.readouterr()
    launch.run(sweep_file(tmp_path), results=tmp_path / "results", store=server.uri, json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["trained"], said["reused"]) == ({}, 6)
    same(cells(tmp_path), undisturbed)
    (recording,) = history.launches(open_store(server.uri), "chaos")
    (incident,) = recording.incidents
    assert incident.fault is Fault.STORE_AWAY
    assert "records are delivered" in incident.note


def test_a_server_that_is_gone_for_a_while_holds_nothing_up(
    tmp_path: Path,
    undisturbed: pd.DataFrame,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spool, "LAST_WAIT", 300.0)  # a server takes its time on a busy machine
    store = open_store(server.uri)
    experiments = list(history.experiments(store).values())
    for each in store.client.search_runs(experiments):
        store.client.delete_run(each.info.run_id)
    at_kill, before = [], []

    def kill_it_and_start_it_again() -> None:
        wait_for(lambda: recorded(server) >= 1)
        server.kill()
        at_kill.append(len(waiting(tmp_path)))
        wait_for(lambda: len(waiting(tmp_path)) >= at_kill[0] + 8)  # training goes on
        before.append(recorded(server))
        server.start()

    beside = Meanwhile(kill_it_and_start_it_again)
    same(run(tmp_path, store=server.uri), undisturbed)
    beside.end()
    assert before[0] < 6
    assert waiting(tmp_path) == []
    (recording,) = history.launches(store, "chaos")
    (incident,) = recording.incidents
    assert incident.fault is Fault.STORE_AWAY
    assert "back after" in incident.note
