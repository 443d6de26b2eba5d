"""The entries of a table as flat rows."""

from __future__ import annotations

import pytest

from reports.entry import entries
from reports.table_data import table_data
from sweeper.spec.shown import Table
from tests.reports import hand

T3A = Table(id="T3a", title="Prompts", axis="prompt_length", target="pgn/T3a")
METHODS = Table(id="T", title="Title", axis="method")


def test_the_entries_of_a_table_are_flat_rows_in_its_unit():
    plan = hand.plan(
        [hand.comparable("8").model_copy(update={"base": True}), hand.comparable("16")]
    )
    score = {"8": (0.78, 0.79, 0.77), "16": (0.80, 0.81, 0.79)}
    recording = hand.recording(plan, lambda c, s: score[c.roles[0].label][s.seed])
    eight, sixteen = table_data(T3A, recording, entries(recording))
    wanted = {"table": "T3a", "row": "8", "column": "cifar100", "unit": "%", "n": 3, "status": ""}
    assert wanted.items() <= eight.items()
    assert eight["mean"] == pytest.approx(78.0)
    assert eight["std"] == pytest.approx(1.0)
    assert eight["ci95"] == pytest.approx(2.4841, abs=1e-4)
    assert (eight["published"], eight["published_unit"]) == (77.9, "percent")
    assert eight["gap"] == pytest.approx(0.1)
    assert (eight["verdict"], eight["difference"]) == ("reproduced", None)
    assert sixteen["difference"] == pytest.approx(2.0)
    assert sixteen["difference_low"] == pytest.approx(2.0)
    assert sixteen["verdict"] == "close"
    assert sixteen["link"] == f"http://ui/{plan.cells[1].id}"


def test_a_flat_row_says_what_is_the_matter_with_its_entry():
    plan = hand.plan(hand.cells(["A"], ["x"]))
    recording = hand.recording(plan, lambda _, spec: 0.5 if spec.seed else "failed")
    (row,) = table_data(METHODS, recording, entries(recording))
    assert row["status"] == "too few seeds; failed 1"
    empty = hand.recording(plan, None)
    (row,) = table_data(METHODS, empty, entries(empty))
    assert (row["mean"], row["n"], row["status"]) == (None, 0, "too few seeds; missing 3")
