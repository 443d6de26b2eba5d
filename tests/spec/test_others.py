"""Parameters that name another task: resolved as `task` is, and part of what is computed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.spec.draw import trial_of
from sweeper.spec.plan import Plan
from sweeper.spec.trial import TrialSpec

from .sheet import complaints, plan
from .shelf import Shelf

SPT = """
base: {method: spt, backbone: embedded, task: digits}
seeds: [0]
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pets").mkdir()
    (tmp_path / "farm").mkdir()
    return tmp_path


def only(found: Plan) -> TrialSpec:
    (trial,) = found.trials()
    return trial


def test_a_folder_becomes_its_name_the_identity_of_its_data_and_a_source(home: Path) -> None:
    found = plan(home, SPT, settings={"source": "./pets"})
    spec = only(found)
    assert spec.params == {"source": "pets", "length": 8}
    assert spec.others == {"source": "pets@0123"}
    assert found.sources == {"pets@0123": str(home / "pets")}
    assert found.cells[0].config["source"] == "pets"
    assert str(home) not in found.model_copy(update={"sources": {}}).model_dump_json()
    assert Plan.model_validate_json(found.model_dump_json()) == found


def test_a_joint_task_may_be_named_and_its_folders_are_kept_together(home: Path) -> None:
    found = plan(home, SPT, settings={"source": "./pets+./farm"})
    assert only(found).others == {"source": "pets+farm@0123"}
    assert found.sources == {"pets+farm@0123": f"{home}/pets+{home}/farm"}


def test_the_data_named_is_part_of_the_identity(home: Path) -> None:
    text = SPT + "ablate: {source: [{label: none, source: ''}, digits, ./pets, ./farm]}\n"
    found = plan(home, text)
    assert len({trial.id for trial in found.trials()}) == 4
    assert [cell.roles[0].label for cell in found.cells] == ["none", "digits", "pets", "farm"]
    spec = only(plan(home, SPT, settings={"source": "./pets"}))
    assert spec.model_copy(update={"others": {"source": "changed"}}).cell_id != spec.cell_id


def test_an_empty_parameter_names_nothing(home: Path) -> None:
    spec = only(plan(home, SPT))
    assert spec.others == {}
    assert "others" not in spec.model_dump_json()


def test_mistakes_are_told_where_the_parameter_is_written(home: Path) -> None:
    text = SPT + "ablate: {source: [digit, ./nowhere, {label: two, source: 2}]}\n"
    found = complaints(home, text)
    assert [message.split("; expected")[0] for message in found] == [
        "sweep.yaml:3:19: unknown task 'digit'",
        "sweep.yaml:3:26: task './nowhere': no such folder",
        "sweep.yaml:3:58: source: 2",
    ]


def test_a_condition_names_the_folder_as_the_file_does(home: Path) -> None:
    text = SPT + "ablate: {source: [./pets, ./farm]}\nexclude: [{source: ./pets}]\n"
    assert [trial.params["source"] for trial in plan(home, text).trials()] == ["", "farm"]


SEARCH = """
base: {method: spt, backbone: embedded, task: digits, source: ./pets}
parameters: {method: [pgn, spt], length: {min: 1, max: 9}}
search: {method: random}
"""


def test_a_draw_names_the_data_that_a_cell_would(home: Path) -> None:
    found = plan(home, SEARCH)
    assert found.search is not None
    search = type(found.search).model_validate_json(found.search.model_dump_json())
    spec = trial_of(search, {"method": "spt"}, 0, Shelf(), found.sources)
    assert spec == only(plan(home, SPT, settings={"source": "./pets"}))
    assert trial_of(search, {"method": "pgn"}, 0, Shelf(), found.sources).others == {}


def test_a_draw_of_a_method_that_the_base_has_not_names_its_data_too(home: Path) -> None:
    found = plan(home, SEARCH.replace("base: {method: spt", "base: {method: pgn"))
    assert found.search is not None
    spec = trial_of(found.search, {"method": "spt"}, 0, Shelf(), found.sources)
    assert (spec.params["source"], spec.others) == ("pets", {"source": "pets@0123"})


def test_a_search_does_not_vary_what_names_a_task(home: Path) -> None:
    text = SEARCH.replace("length: {min: 1, max: 9}", "source: [digits, ./pets]")
    (message,) = complaints(home, text)
    assert "a search over 'source'; expected a parameter of" in message
