"""Released weights are on disk before anything is launched, or all that lack are one error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sweeper.backbones import towers
from sweeper.errors import InputError, Problem
from sweeper.execution import driver
from sweeper.execution.cluster import Cluster
from sweeper.execution.driver import ready
from sweeper.execution.estimate import estimate_seconds
from sweeper.execution.footprint import known_footprints
from sweeper.execution.released import released
from sweeper.spec.plan import Cell, Plan, Search
from sweeper.spec.trial import Protocol, Recipe, TrialSpec

MAE, DINO = "timm/vit_base_patch16_224.mae", "timm/vit_small_patch16_224.dino"
FILE = "vit.pth", "weights-0123456789abcdef"


def trial(backbone: str, weights: str) -> TrialSpec:
    return TrialSpec(
        method="lp",
        params={},
        backbone=backbone,
        weights=weights,
        task="digits",
        data="d",
        recipe=Recipe(),
        protocol=Protocol(),
        seed=0,
    )


TODO = [trial(MAE, "mae"), trial(*FILE), trial("embedded", "e")]


def plan(search: Search | None = None) -> Plan:
    cells = tuple(Cell(id=each.cell_id, config={}, trials=(each,)) for each in TODO)
    return Plan(sweep="s", profile="", seeds=(0,), cells=cells, search=search)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that are fetched; none of timm's is to be had. Ray is a machine of 64 cores."""
    names: list[str] = []

    def fetch(name: str) -> Path:
        names.append(name)
        if name.startswith("timm/"):
            raise InputError(Problem(f"backbone '{name}'", "not to be had", "the file"))
        return Path(name)

    @contextmanager
    def connected(*_: object, **__: object) -> Iterator[Cluster]:
        yield Cluster("", ({"CPU": 64.0},), False)

    monkeypatch.setattr(towers, "fetch", fetch)
    monkeypatch.setattr(driver, "connected", connected)
    return names


def test_the_weights_that_a_launch_needs_are_those_of_its_trials_and_its_search() -> None:
    assert released(plan(), TODO) == ["embedded", MAE]
    assert released(plan(), TODO[1:]) == ["embedded"]
    search = Search(base={"backbone": DINO}, space={}, weights="dino")
    assert released(plan(search), []) == [DINO]
    own = Search(base={"backbone": FILE[0]}, space={}, weights=FILE[1])
    assert released(plan(own), []) == []


def test_all_weights_that_are_not_to_be_had_are_one_error(asked: list[str], tmp_path: Path) -> None:
    search = Search(base={"backbone": DINO}, space={}, weights="dino")
    with pytest.raises(InputError) as caught, ready(plan(search), TODO, tmp_path):
        pytest.fail("launched without its weights")
    assert asked == ["embedded", MAE, DINO]
    places = [problem.where for problem in caught.value.problems]
    assert places == [f"backbone '{MAE}'", f"backbone '{DINO}'"]


def test_weights_of_finished_trials_are_not_asked_for(asked: list[str], tmp_path: Path) -> None:
    with ready(plan(), TODO[2:], tmp_path) as cluster:
        assert cluster.address == ""
    assert asked == ["embedded"]


def test_what_is_not_on_disk_is_neither_timed_nor_weighed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(towers, "weights_path", lambda *_: None)
    assert estimate_seconds(plan(), TODO[:1], {}) == {TODO[0].id: None}
    assert known_footprints(plan(), TODO[:1]) == {}
