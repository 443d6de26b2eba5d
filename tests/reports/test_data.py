"""What machines read: CSV and JSON, of the shared store and of hand-made records."""

import csv
import io
import json

import pytest

from reports.data import grid_csv, json_bytes, report_data, trials_csv
from reports.document import Grid, Span, text
from reports.entry import entries
from reports.footnote import ON_TEST
from sweeper.spec.shown import Table
from tests.reports import hand
from tests.reports.conftest import ODD, cell_of, the_plan


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_trials_are_a_tidy_frame_in_the_order_of_the_plan(folder):
    found = rows(folder / "trials.csv")
    plan = the_plan()
    assert [row["trial"] for row in found] == [s.id for c in plan.cells for s in c.trials]
    assert [row["cell"] for row in found] == [c.id for c in plan.cells for _ in c.trials]
    assert {row["over.task"] for row in found} == {"digits", ODD}
    assert found[0]["config.prompt_length"] == "1"
    statuses = {"finished", "diverged", "failed", "running", "missing"}
    assert {row["status"] for row in found} == statuses
    assert all(row["link"].startswith("http://") == (row["status"] != "missing") for row in found)


def test_cells_have_mean_and_reasons(folder):
    found = {row["cell"]: row for row in rows(folder / "cells.csv")}
    plan = the_plan()
    assert len(found) == len(plan.cells)
    assert float(found[cell_of(plan, "8").id]["test_acc_mean"]) == pytest.approx(0.58)
    assert found["s" * 16]["skip"] == "takes at most 1000 prompts"
    assert found["s" * 16]["test_acc_mean"] == ""


def test_whole_numbers_stay_whole_beside_holes(folder):
    counts = {row["trainable_parameters"] for row in rows(folder / "cells.csv")}
    assert counts == {"1234", ""}


def test_a_trial_that_was_selected_on_test_says_so_even_without_a_cell():
    found = hand.recording(hand.plan(hand.cells(["a"], ["digits"])), lambda *_: 0.5)
    found.trials["config.selection"] = ["best_test", "last", "last"]
    told = list(csv.DictReader(io.StringIO(trials_csv(found, {}).decode())))
    assert [row["remarks"] for row in told] == [ON_TEST, "", ""]


def test_a_table_is_written_as_it_is_printed():
    content = text(Span("58.0", bold=True, link="http://ui"), ' ± "2", 5\n(3)')
    data = grid_csv(Grid([text("a"), text("b|c")], [[text("x"), content]]))
    assert list(csv.reader(io.StringIO(data.decode()))) == [
        ["a", "b|c"],
        ["x", '58.0 ± "2", 5 (3)'],
    ]


def test_what_is_no_finite_number_is_null_and_text_is_itself():
    data = {
        "a": float("nan"),
        "b": [float("inf"), 1.5, 2],
        "c": (None, "NaN % é"),
        "d": {"e": True},
    }
    found = json.loads(json_bytes(data), parse_constant=pytest.fail)
    assert found == {"a": None, "b": [None, 1.5, 2], "c": [None, "NaN % é"], "d": {"e": True}}


def test_the_report_as_json_has_tables_verdicts_and_where_it_comes_from(folder):
    found = json.loads((folder / "report.json").read_text(), parse_constant=pytest.fail)
    assert (found["sweep"], found["profile"]) == ("ablation", "demo")
    assert found["plan"] == the_plan().digest
    assert found["trials"]["finished"] == 27
    assert found["launch"]["commit"]
    (eight,) = [
        row
        for row in found["tables"]
        if (row["table"], row["row"], row["column"]) == ("T3a", "8", "digits")
    ]
    assert eight["mean"] == pytest.approx(58)
    assert eight["bold"] is True
    assert "/#/experiments/" in eight["link"]
    assert {step["verdict"] for step in found["order"]} == {"greater"}


def test_holes_are_null_in_the_json():
    table = Table(id="T", title="t", axis="method")
    plan = hand.plan(hand.cells(["a", "b"], ["digits"]), table)
    found = hand.recording(plan, lambda cell, _: 0.5 if cell.roles[0].label == "a" else None)
    data = json.loads(json_bytes(report_data(found, entries(found))), parse_constant=pytest.fail)
    assert [row["mean"] for row in data["tables"]] == [50.0, None]
