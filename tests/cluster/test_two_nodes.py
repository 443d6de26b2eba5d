"""The same sweep on this machine and on two nodes: one table, one store, both nodes used."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from sweeper.records import TrialStatus
from tests.chaos.world import ORDERS, cells, same, sweep_file

from .machines import command, results, token, trapped, two_nodes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Runs:
    """The folder of all commands, what each said, and the file that a trap would have left."""

    folder: Path
    said: dict[str, subprocess.CompletedProcess[str]]
    sprung: Path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("together")
    (folder / "orders").mkdir()
    environment = token(folder) | {ORDERS: str(folder / "orders")}
    wrong = {"RAY_AUTH_TOKEN_PATH": "", "RAY_AUTH_TOKEN": "f" * 64}
    sweep_file(folder, epochs=3)
    sprung, said = trapped(folder), {}
    with two_nodes(environment, folder.parent) as address:
        for name, words, own in (
            ("refused", ("run", "chaos.yaml", "--results", "refused"), wrong),
            ("ran", ("run", "chaos.yaml"), {}),
            ("doctor", ("doctor", "--json"), {}),
        ):
            to = ("--address", address)
            said[name] = command(*words, *to, folder=folder, environment=environment | own)
    return Runs(folder, said, sprung)


def test_both_nodes_train_and_the_table_is_that_of_one(runs: Runs, alone: Path) -> None:
    assert runs.said["ran"].returncode == 0, runs.said["ran"].stderr
    found = results(runs.folder)
    assert {result.status for result in found} == {TrialStatus.FINISHED}
    assert len(found) == 6
    assert len({result.provenance["node"] for result in found}) == 2
    assert len({result.provenance["node"] for result in results(alone)}) == 1
    same(cells(runs.folder), cells(alone))
    assert len(list(runs.folder.rglob("*.db"))) == 1


def test_no_worker_imports_from_the_folder_that_the_command_ran_in(runs: Runs) -> None:
    assert not runs.sprung.exists(), runs.sprung.read_text()


def test_another_token_is_refused_and_nothing_is_written(runs: Runs) -> None:
    refused = runs.said["refused"]
    assert refused.returncode == 2
    assert "RAY_AUTH_TOKEN" in refused.stderr
    assert not (runs.folder / "refused").exists()


def test_doctor_has_a_row_for_each_node(runs: Runs) -> None:
    assert runs.said["doctor"].returncode == 0, runs.said["doctor"].stdout
    findings = json.loads(runs.said["doctor"].stdout)["findings"]
    nodes = [finding for finding in findings if finding["what"].startswith("node ")]
    assert len(nodes) == 2
    assert all(finding["ok"] and "torch" in finding["found"] for finding in nodes)
