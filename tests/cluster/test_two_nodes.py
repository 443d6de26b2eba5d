"""The same sweep on this machine and on two nodes: one table, one store, both nodes used."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sweeper.records import TrialResult, TrialStatus
from sweeper.tracking.history import recorded_trials
from sweeper.tracking.store import open_store
from tests.chaos.world import ORDERS, cells, same, sweep_file

from .machines import command, token, trapped, two_nodes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Runs:
    """What the commands said, and the folders that they ran in."""

    alone: Path
    together: Path
    said: dict[str, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("two")
    alone, together, orders = (folder / name for name in ("alone", "together", "orders"))
    environment = token(folder) | {ORDERS: str(orders)}
    for each in (alone, together, orders):
        each.mkdir()
    for each in (alone, together):
        sweep_file(each, epochs=3)
        trapped(each)
    said = {"alone": command("run", "chaos.yaml", folder=alone, environment=environment)}
    with two_nodes(environment, folder) as address:
        for name, words in {
            "together": ("run", "chaos.yaml"),
            "doctor": ("doctor", "--json"),
            "wrong token": ("run", "chaos.yaml"),
        }.items():
            own = {"RAY_AUTH_TOKEN_PATH": "", "RAY_AUTH_TOKEN": "f" * 64}
            said[name] = command(
                *words,
                "--address",
                address,
                folder=together,
                environment=environment | (own if name == "wrong token" else {}),
            )
    yield Runs(alone, together, said)


def results(folder: Path) -> list[TrialResult]:
    recorded = recorded_trials(open_store(f"sqlite:///{folder}/results/mlflow.db"))
    return [one.result for one in recorded.values() if one.result is not None]


def test_both_nodes_train_and_the_table_is_that_of_one(runs: Runs) -> None:
    for name in ("alone", "together"):
        assert runs.said[name].returncode == 0, runs.said[name].stderr
    found = results(runs.together)
    assert {result.status for result in found} == {TrialStatus.FINISHED}
    assert len(found) == 6
    assert len({result.provenance["node"] for result in found}) == 2
    assert len({result.provenance["node"] for result in results(runs.alone)}) == 1
    same(cells(runs.together), cells(runs.alone))
    assert len(list(runs.together.rglob("*.db"))) == 1
