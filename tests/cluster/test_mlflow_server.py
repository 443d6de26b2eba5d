"""A launch recorded in the server that cluster/mlflow/server.sh starts, with PostgreSQL behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from reports.build import build
from sweeper.errors import StoreError
from sweeper.tracking import history
from sweeper.tracking.store import open_store
from sweeper.tracking.writer import Writer
from tests.cluster.server import Server, impossible, running
from tests.tracking import made

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if reason := impossible():
        pytest.skip(reason)
    with running(tmp_path_factory.mktemp("mlflow")) as found:
        yield found


@pytest.fixture
def admin(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", server.password)


@pytest.mark.usefixtures("admin")
def test_a_launch_is_recorded_and_its_report_is_read_back(server: Server, tmp_path: Path) -> None:
    plan = made.ablation(seeds=(0,))
    learned = tmp_path / "learned"
    learned.write_text("what the trial has learned")
    with Writer(open_store(server.uri, create=True), plan) as writer:
        for cell in plan.cells:
            for spec in cell.trials:
                made.train(writer, spec)
        report = build(server.uri, plan.sweep, tmp_path / "report", plan.profile)
        writer.attach(report.parent)
    assert "Number of prompts" in report.read_text()
    store = open_store(server.uri)
    trials = [spec.id for cell in plan.cells for spec in cell.trials]
    assert set(history.finished(store, trials)) == set(trials)
    # the report went through the server into the folder of its artifacts
    kept = store.client.list_artifacts(writer.run_id)
    assert kept, "no artifacts"
    artifacts = server.log.parent / "artifacts"
    assert [
        path for path in artifacts.rglob("report.md") if "Number of prompts" in path.read_text()
    ]


@pytest.mark.parametrize("login", [{}, {"NAME": "admin", "WORD": "not the one"}])
def test_nobody_gets_in_without_the_password(
    server: Server, login: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, key in (("USERNAME", "NAME"), ("PASSWORD", "WORD")):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{variable}", raising=False)
        if key in login:
            monkeypatch.setenv(f"MLFLOW_TRACKING_{variable}", login[key])
    with pytest.raises(StoreError, match="Give MLFLOW_TRACKING_USERNAME and"):
        Writer(open_store(server.uri, create=True), made.ablation(seeds=(0,)))


def test_no_secret_is_printed_or_seen_in_the_list_of_processes(server: Server) -> None:
    said = server.log.read_text()
    lines = [" ".join(each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"])]
    assert any("mlflow" in line and "basic-auth" in line for line in lines)
    for secret in server.secrets:
        assert secret not in said
        assert not [line for line in lines if secret in line]
