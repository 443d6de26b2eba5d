"""Reports of a store written by the real writer, with known answers."""

import csv
import shutil
from dataclasses import replace

import pytest

from reports import query
from reports.build import build
from reports.entry import entries
from reports.order import comparisons
from reports.table import fill
from sweeper.errors import StoreError
from sweeper.records import TrialStatus
from sweeper.spec.plan import Cell, EarlyTerminate, Plan, Role, Search
from sweeper.spec.shown import Table
from sweeper.tracking.writer import Writer
from tests.tracking import made

ODD = "tex|tures *bold* `x`"


def the_plan() -> Plan:
    plan = made.ablation(tasks=("digits", ODD))
    skipped = Cell(
        id="s" * 16,
        config=plan.cells[0].config,
        over={"task": "digits"},
        roles=(Role(axis="prompt_length", label="4096", value=4096),),
        skip="takes at most 1000 prompts",
    )
    return plan.model_copy(update={"cells": (*plan.cells, skipped)})


def cell_of(plan: Plan, label: str, task: str = "digits", axis: str = "prompt_length") -> Cell:
    (found,) = [
        cell
        for cell in plan.cells
        if cell.over == {"task": task}
        and any((r.axis, r.label) == (axis, label) for r in cell.roles)
    ]
    return found


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Everything finished but: one diverged, one failed, one running, two missing."""
    store = made.blank_store(tmp_path_factory.mktemp("store"))
    plan = the_plan()
    one, four = cell_of(plan, "1", ODD), cell_of(plan, "4", ODD)
    special = {
        one.trials[0].id: TrialStatus.DIVERGED,
        one.trials[1].id: TrialStatus.FAILED,
        four.trials[0].id: TrialStatus.RUNNING,
    }
    missing = {trial.id for trial in four.trials[1:]}
    with Writer(store, plan) as writer:
        for spec in plan.trials():
            status = special.get(spec.id, TrialStatus.FINISHED)
            if spec.id in missing:
                continue
            if status is TrialStatus.RUNNING:
                writer.trial_started(spec, 1)
            else:
                made.train(writer, spec, made.result(spec, status))
    return store


@pytest.fixture(scope="module")
def folder(store, tmp_path_factory):
    return build(store.uri, "ablation", tmp_path_factory.mktemp("report") / "new").parent


@pytest.fixture(scope="module")
def text(folder):
    return (folder / "report.md").read_text()


def line(text, start):
    (found,) = [row for row in text.splitlines() if row.startswith(start) and "±" in row]
    return found


def test_a_report_is_markdown_csv_and_figures(folder):
    names = {path.name for path in folder.iterdir()}
    figures = {"curve_length.svg", "curve_length.png"}
    assert names == {"report.md", "cells.csv", "trials.csv"} | figures


def test_the_same_store_gives_the_same_bytes_wherever_it_stands(store, folder, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(store.artifacts.parent, moved)
    again = build(f"sqlite:///{moved / 'mlflow.db'}", "ablation", tmp_path / "again").parent
    for path in folder.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes(), path.name


def test_an_entry_is_mean_interval_and_number_of_seeds(text):
    # seeds 0.58, 0.59, 0.57: std 0.01, half width 4.3027 * 0.01 / sqrt(3)
    assert "| **58.0** ± 2.5 (3) |" in line(text, "| 8 |")


def test_the_published_value_stands_beside_ours(text):
    assert line(text, "| 8 |").endswith("| 77.9 | 70.6 |")
    assert "Published: Table 3a of" in text
    assert "Not comparable in value (another backbone; other data;" in text


def test_what_was_trained_can_be_read_from_the_report_alone(text):
    assert "In every cell: " in text
    assert "Splits" not in text, "no trial has said by which rule"
    (shared,) = [row for row in text.splitlines() if row.startswith("In every cell: ")]
    assert "backbone embedded" in shared
    assert "lr 0.1" in shared
    assert "prompt\\_length" not in shared
    (base,) = [row for row in text.splitlines() if row.startswith("In the base")]
    assert "method pgn" in base
    assert "prompt\\_length 8" in base


def test_each_row_says_how_much_of_it_is_trained(text):
    cells = line(text, "| 8 |").split(" | ")
    (headers,) = {
        row
        for row in text.splitlines()
        if row.startswith("| prompt\\_length | digits") and "trainable" in row
    }
    assert cells[headers.split(" | ").index("trainable")] == "1,234"


def test_holes_are_named_in_their_cell(text):
    assert "52.0 (1)" not in text
    assert "| 50.0 (1)†, diverged 1, failed 1 |" in text
    assert "| missing 2, running 1 |" in text
    assert "1 diverged, 1 failed" in text


def test_a_skipped_cell_says_why(text):
    assert "| 4096 | skipped | — |" in text
    assert "Skipped: 4096, digits: takes at most 1000 prompts." in text


def test_a_deterministic_cell_has_no_interval_and_is_not_short_of_seeds(text):
    assert "| TP | 15.0 (det.) |" in text


def test_names_cannot_break_a_table(text):
    rows = [row for row in text.splitlines() if "tures" in row and row.startswith("|")]
    assert rows
    for row in rows:
        assert r"tex\|tures \*bold\* \`x\`" in row
    header = next(row for row in rows if row.startswith("| prompt"))
    below = text[text.index(header) :].splitlines()[1]
    assert header.replace(r"\|", "").count("|") == below.count("|")


def test_numbers_of_the_embedded_backbone_say_so(text):
    assert "**These numbers come from the embedded backbone**" in text


def test_the_order_of_methods_is_computed(text):
    assert "- digits: TP < IIP holds, +25.0 [+22.5, +27.5] (3)." in text
    assert "4 of 4 steps hold." in text


def test_the_frame_is_tidy(folder):
    with (folder / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    plan = the_plan()
    assert [row["trial"] for row in rows] == [s.id for c in plan.cells for s in c.trials]
    assert {row["over.task"] for row in rows} == {"digits", ODD}
    assert rows[0]["config.prompt_length"] == "1"
    assert {row["status"] for row in rows} == {
        "finished",
        "diverged",
        "failed",
        "running",
        "missing",
    }
    with (folder / "cells.csv").open() as file:
        cells = {row["cell"]: row for row in csv.DictReader(file)}
    assert len(cells) == len(plan.cells)
    assert float(cells[cell_of(plan, "8").id]["test_acc_mean"]) == pytest.approx(0.58)
    assert cells["s" * 16]["skip"] == "takes at most 1000 prompts"


def test_another_profile_is_not_found_and_the_nearest_is_named(store, tmp_path):
    with pytest.raises(StoreError, match=r"under profile 'dmeo'. Did you mean 'demo'"):
        build(store.uri, "ablation", tmp_path / "none", profile="dmeo")
    assert not (tmp_path / "none").exists()


def test_the_latest_plan_is_the_one_that_was_launched(store):
    assert query.latest_plan(store.uri, "ablation") == the_plan()


def recording(plan, accuracies, store):
    """A store in which `accuracies` (cell id -> by seed) finished, and what is read from it."""
    with Writer(store, plan) as writer:
        for spec in plan.trials():
            values = accuracies.get(spec.cell_id, [])
            if spec.seed < len(values):
                writer.trial_ended(spec, made.result(spec, acc=values[spec.seed]))
    return query.load(store.uri, plan.sweep)


def test_an_order_that_does_not_come_out_is_reported_as_it_came_out(tmp_path):
    plan = made.ablation()
    scores = {
        cell_of(plan, "TP", axis="method").id: [0.5],
        cell_of(plan, "IIP", axis="method").id: [0.40, 0.41, 0.42],
        cell_of(plan, "PGN", axis="method").id: [0.39, 0.43, 0.42],
    }
    found = recording(plan, scores, made.blank_store(tmp_path))
    first, second = comparisons(plan, entries(found))
    assert (first.lower, first.higher, first.verdict) == ("TP", "IIP", "smaller")
    assert second.verdict == "not told apart"
    text = build(found.store, "ablation", tmp_path / "out").read_text()
    assert "TP < IIP is reversed, -9.0" in text
    assert "IIP < PGN is not told apart" in text
    assert "0 of 2 steps hold." in text


def test_a_comparable_cell_gets_a_difference_and_a_verdict(tmp_path):
    wide = {"task": "cifar100"}
    role = Role(axis="prompt_length", label="8", value=8)
    ours = made.cell(role, over=wide, epochs=500, prompt_length=8)
    recipe = {"warmup_epochs": 50}
    trials = tuple(
        spec.model_copy(
            update={
                "backbone": "openclip/ViT-B-32-quickgelu@openai",
                "recipe": spec.recipe.model_copy(update=recipe),
            }
        )
        for spec in ours.trials
    )
    config = {key: value for key, value in trials[0].flat().items() if key != "seed"}
    ours = Cell(id=trials[0].cell_id, config=config, over=wide, roles=(role,), trials=trials)
    table = Table(id="T3a", title="Prompts", axis="prompt_length", target="pgn/T3a")
    plan = Plan(sweep="wide", profile="paper", seeds=(0, 1, 2), cells=(ours,), tables=(table,))
    store = made.blank_store(tmp_path)
    found = recording(plan, {ours.id: [0.78, 0.781, 0.779]}, store)
    beside = fill(table, plan, entries(found)).beside
    assert beside is not None
    ((key, gap),) = beside.differences.items()
    assert key[2] == "CIFAR100"
    assert gap == (pytest.approx(0.1), "within")
    text = build(store.uri, "wide", tmp_path / "out").read_text()
    assert "+0.1, within" in text
    assert "The others are not comparable in value (other data)" in text
    assert "embedded backbone" not in text


def test_the_rule_of_the_splits_is_told_for_each_task(tmp_path):
    plan = made.ablation(tasks=("digits", "pets"))
    store = made.blank_store(tmp_path)
    with Writer(store, plan) as writer:
        for spec in plan.trials():
            ended = made.result(spec)
            rules = ("generated", "split_zhou") if spec.task == "pets" else ("official",)
            ended.provenance["split_rule"] = rules[spec.seed % len(rules)]
            writer.trial_ended(spec, ended)
    text = build(store.uri, "ablation", tmp_path / "out").read_text()
    assert "which: digits official, pets generated and split\\_zhou." in text


def test_cells_that_were_trained_in_micro_batches_are_marked_below_their_table(tmp_path):
    plan, store = made.ablation(), made.blank_store(tmp_path)
    narrow, wide = cell_of(plan, "4").id, cell_of(plan, "16").id
    with Writer(store, plan) as writer:
        for spec in plan.trials():
            result = made.result(spec, acc=0.5)
            if spec.cell_id == wide:
                result = replace(result, measured={"accumulation": 2.0 + 2 * (spec.seed == 1)})
            if spec.cell_id in (narrow, wide):
                writer.trial_ended(spec, result)
    found = entries(query.load(store.uri, plan.sweep))
    assert found[narrow].remarks == ()
    assert "up to 4 micro-batches" in found[wide].remarks[0]
    text = build(store.uri, plan.sweep, tmp_path / "out").read_text()
    marked = [row.split("|")[1].strip() for row in text.splitlines() if "(3)¹" in row]
    assert marked == ["16"]
    (note,) = (row for row in text.splitlines() if row.startswith("¹"))
    assert "up to 4 micro-batches" in note


def test_where_the_highest_mean_has_too_few_seeds_nothing_is_bold(tmp_path):
    plan = made.ablation()
    scores = {
        cell_of(plan, "1").id: [0.5, 0.5, 0.5],
        cell_of(plan, "4").id: [0.4, 0.4, 0.4],
        cell_of(plan, "16").id: [0.9],
    }
    found = recording(plan, scores, made.blank_store(tmp_path))
    filled = fill(plan.tables[1], plan, entries(found))
    assert filled.rows == ["1", "4", "8", "16"]
    assert filled.bold == frozenset()


def test_a_cell_that_stands_in_two_tables_of_three_is_not_the_base(tmp_path):
    plan = made.ablation()
    cells = [
        cell.model_copy(
            update={"roles": (*cell.roles, Role(axis="trunk", label=cell.roles[-1].label))}
        )
        if any(role.axis == "method" and role.label != "TP" for role in cell.roles)
        else cell
        for cell in plan.cells
    ]
    table = Table(id="T3c", title="Trunk", axis="trunk", target="pgn/T3c")
    plan = plan.model_copy(update={"cells": tuple(cells), "tables": (*plan.tables, table)})
    found = recording(plan, {}, made.blank_store(tmp_path))
    assert [fill(t, plan, entries(found)).base for t in plan.tables] == ["PGN", "8", "PGN"]


def test_a_search_is_ranked_by_validation_and_says_what_stopping_saved(tmp_path):
    plan = Plan(
        sweep="search",
        profile="demo",
        seeds=(0,),
        cells=(),
        search=Search(
            num_trials=4,
            base={},
            space={"prompt_length": {"kind": "integers", "low": 1, "high": 64}},
            early_terminate=EarlyTerminate(),
        ),
    )
    store = made.blank_store(tmp_path)
    with Writer(store, plan) as writer:
        for length, acc in ((5, 0.6), (9, 0.7)):
            spec = made.trial(0, prompt_length=length, epochs=9)
            writer.trial_started(spec, 1)
            writer.trial_ended(spec, made.result(spec, acc=acc))
        spec = made.trial(0, prompt_length=33, epochs=9)
        made.train(writer, spec, made.result(spec, TrialStatus.STOPPED))
    text = build(store.uri, "search", tmp_path / "out").read_text()
    assert "3 of 4 configurations drawn (2 finished, 1 stopped)" in text
    assert "1 were stopped early, which saved 8 of 27 epochs" in text
    places = [row for row in text.splitlines() if row.startswith(("| 1 |", "| 2 |", "| 3 |"))]
    assert [row.split(" | ")[1] for row in places] == ["9", "5", "33"]
    assert places[2].endswith("| 50.0 |   | 1 | stopped |")


def test_a_plan_with_nothing_done_has_a_report_that_says_so(tmp_path):
    plan = made.ablation()
    store = made.blank_store(tmp_path)
    with Writer(store, plan):
        pass
    text = build(store.uri, "ablation", tmp_path / "out").read_text()
    assert "missing 3" in text
    assert "Fewer than two points" in text
    assert "IIP < PGN is not known" in text
