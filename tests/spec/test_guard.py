"""Who may select on test, and what may stand in one row."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.spec.draw import trial_of
from sweeper.spec.plan import Plan

from .sheet import BASE, complaints, plan
from .shelf import Shelf

OFFICIAL = BASE.rstrip() + "\n  preset: official\n"
READS = "selection: best_test reads the test split to select; expected last or best_val."
DOES = "Write `preset: official` for what the public code of 'pgn' does."
NOT = "The public code of method 'iip' does not do so."
REMEDY = "With `mixed_protocols: true` in its entry under 'report', each departure is marked."


def _selections(found: Plan) -> dict[str, str]:
    return {cell.config["method"]: cell.config["selection"] for cell in found.cells}


def test_the_official_preset_of_a_method_whose_code_does_so_selects_on_test(tmp_path: Path) -> None:
    (cell,) = plan(tmp_path, OFFICIAL).cells
    assert (cell.config["selection"], cell.config["train_on"]) == ("best_test", "train+val")
    (same,) = plan(tmp_path, OFFICIAL + "  selection: best_test\n").cells
    assert same.trials == cell.trials
    (last,) = plan(tmp_path, OFFICIAL + "protocol: {selection: last}\n").cells
    assert last.config["selection"] == "last"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BASE + "  selection: best_test\n", f"5:14: {READS} {DOES}"),
        (BASE + "protocol: {selection: best_test}\n", f"5:23: {READS} {DOES}"),
        (BASE + "  preset: paper\n  selection: best_test\n", f"6:14: {READS} {DOES}"),
        (BASE.replace("pgn", "iip") + "  selection: best_test\n", f"5:14: {READS} {NOT}"),
        (BASE + "ablate: {selection: [last, best_test]}\n", f"5:28: {READS} {DOES}"),
        (BASE + "parameters: {selection: [last, best_test]}\n", f"5:32: {READS} {DOES}"),
        (
            BASE
            + "parameters: {selection: {values: [last, best_test]}}\nsearch: {num_trials: 2}\n",
            f"5:41: {READS} {DOES}",
        ),
        (
            OFFICIAL + "  selection: best_test\nablate: {method: [pgn, iip]}\n",
            f"6:14: {READS} {NOT}",
        ),
    ],
)
def test_selecting_on_test_is_a_mistake_anywhere_else(
    tmp_path: Path, text: str, message: str
) -> None:
    assert complaints(tmp_path, text) == [f"sweep.yaml:{message}"]


def test_a_method_that_borrows_the_preset_does_not_select_on_test(tmp_path: Path) -> None:
    found = plan(tmp_path, OFFICIAL + "ablate: {method: [pgn, iip, tp]}\n")
    assert _selections(found) == {"pgn": "best_test", "iip": "last", "tp": "last"}
    assert {cell.config["epochs"] for cell in found.cells} == {0, 100}, "the rest is borrowed"


def test_a_search_looks_at_val_and_draws_for_each_method_as_its_code_selects(
    tmp_path: Path,
) -> None:
    text = OFFICIAL + "parameters: {method: {values: [pgn, iip]}}\nsearch: {num_trials: 2}\n"
    search = plan(tmp_path, text).search
    assert search is not None
    assert search.metric.name == "val/acc"
    for method, selection in (("pgn", "best_test"), ("iip", "last")):
        spec = trial_of(search, {"method": method}, 0, Shelf())
        assert spec.protocol.selection == selection


SHOTS = BASE + "ablate: {prompt_length: [4, 8]}\nover: {shots: [1, 16]}\n"


def test_a_row_of_two_protocols_is_refused_where_its_table_is_written(tmp_path: Path) -> None:
    said = "row '8' mixes protocols: shots 1 and 16; expected one protocol in a row."
    assert complaints(tmp_path, SHOTS) == [
        f"sweep.yaml:5:10: table 'prompt_length', {said} {REMEDY}"
    ]
    table = "report: {tables: [{id: A, title: a, axis: prompt_length}]}\n"
    assert complaints(tmp_path, SHOTS + table) == [f"sweep.yaml:7:19: table 'A', {said} {REMEDY}"]


def test_a_curve_of_two_protocols_is_refused(tmp_path: Path) -> None:
    text = SHOTS + "report: {tables: [], curves: [{id: c, title: c, axis: prompt_length}]}\n"
    assert complaints(tmp_path, text) == [
        "sweep.yaml:7:31: curve 'c' mixes protocols: shots 1 and 16; "
        f"expected one protocol in a curve. {REMEDY}"
    ]


def test_mixed_protocols_are_let_through_where_they_are_asked_for(tmp_path: Path) -> None:
    asked = "report: {tables: [{id: A, title: a, axis: prompt_length, mixed_protocols: true}], "
    asked += "curves: [{id: c, title: c, axis: prompt_length, mixed_protocols: true}]}\n"
    found = plan(tmp_path, SHOTS + asked)
    assert (found.tables[0].mixed_protocols, found.curves[0].mixed_protocols) == (True, True)
    plain = plan(tmp_path, BASE + "ablate: {prompt_length: [4, 8]}\n")
    assert "mixed_protocols" not in plain.model_dump_json(), "older plans keep their digest"


@pytest.mark.parametrize(
    "over",
    [
        "over: {backbone: [{label: a, backbone: embedded, pooling: mean}, {backbone: textless}]}",
        "over: {method: [{label: a, method: pgn, normalisation: half}, {method: iip}]}",
        "over: {method: [{label: a, method: pgn, preset: official}, {method: iip}]}",
    ],
)
def test_every_field_of_the_protocol_counts(tmp_path: Path, over: str) -> None:
    (found,) = complaints(tmp_path, BASE + "ablate: {prompt_length: [4, 8]}\n" + over + "\n")
    assert "row '8' mixes protocols" in found


@pytest.mark.parametrize(
    "text",
    [
        "ablate: {shots: [1, 16]}\nover: {task: [digits, shapes]}\n"
        "report: {tables: [{id: A, title: a, axis: shots}], "
        "curves: [{id: c, title: c, axis: shots}]}\n",
        "ablate: {prompt_length: [4, 8]}\nover: {method: [pgn, tp]}\n"
        "protocol: {selection: best_val, shots: 4}\n",
        "ablate: {prompt_length: [4, 8]}\nover: {epochs: [5, 10]}\n",
        "ablate: {prompt_length: [4, 8]}\nover: {task: [digits, shapes]}\n"
        "protocol: {shots: 4, normalisation: half}\n",
    ],
    ids=["the own axis", "what trains nothing", "the recipe", "the same everywhere"],
)
def test_what_is_one_protocol_in_a_row_is_let_through(tmp_path: Path, text: str) -> None:
    assert complaints(tmp_path, BASE + text) == []


def test_an_axis_that_changes_the_protocol_under_another_name_makes_a_mixed_curve(
    tmp_path: Path,
) -> None:
    rows = "[{prompt_length: 4, shots: 1}, {prompt_length: 8, shots: 2}]"
    text = BASE + f"ablate: {{prompt_length: {rows}}}\n"
    text += "report: {curves: [{id: c, title: c, axis: prompt_length}]}\n"
    (found,) = complaints(tmp_path, text)
    assert "curve 'c' mixes protocols: shots 1 and 2" in found


def test_what_a_backbone_cannot_carry_mixes_nothing(tmp_path: Path) -> None:
    text = BASE + "ablate: {prompt_length: [8, 4]}\n"
    text += "over: {backbone: [embedded, {label: s, backbone: short, final_norm: none}]}\n"
    (found,) = complaints(tmp_path, text)
    assert "row '4' mixes protocols: final_norm weights and none" in found
