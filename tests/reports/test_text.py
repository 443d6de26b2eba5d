"""What a report says, read from its Markdown."""

import re

import pandas as pd
import pytest

from reports import query
from reports.build import build
from reports.document import Bullets, Notice, plain
from reports.entry import entries
from reports.footer import MOST, lost_blocks
from reports.header import header_blocks
from reports.markdown import markdown
from reports.text import report_blocks
from sweeper.records import TrialStatus
from sweeper.spec.plan import EarlyTerminate, Plan, Role, Search
from sweeper.spec.shown import Table
from sweeper.tracking.writer import Writer
from tests.reports import hand
from tests.reports.conftest import cell_of, squeezed, the_plan
from tests.tracking import made


def line(text, start):
    (found,) = [row for row in text.splitlines() if row.startswith(start) and "±" in row]
    return found


def test_an_entry_is_mean_interval_and_number_of_seeds(text):
    # seeds 0.58, 0.59, 0.57: std 0.01, half width 4.3027 * 0.01 / sqrt(3)
    assert "| [**58.0**] ± 2.5 (3) |" in line(text, "| 8 |")


def test_a_number_leads_to_the_run_of_its_cell(store, folder):
    runs = query.load(store.uri, "ablation").links
    plan = the_plan()
    text = (folder / "report.md").read_text()
    assert {f"<{runs[cell.id]}>" for cell in plan.cells if not cell.skip} <= set(text.split())


def test_the_published_value_stands_in_the_report(text):
    assert "| 8 | 77.9 | 70.6 |" in text
    assert "Published: PGN, Table 3a" in text
    assert "Not comparable in value (another backbone; other data;" in text


def test_what_was_trained_can_be_read_from_the_report_alone(text):
    assert "Splits" not in text, "no trial has said by which rule"
    (shared,) = [row for row in text.splitlines() if row.startswith("In every cell: ")]
    assert "backbone embedded" in shared
    assert "lr 0.1" in shared
    assert "prompt\\_length" not in shared
    (base,) = [row for row in text.splitlines() if row.startswith("In the base")]
    assert "method pgn" in base
    assert "prompt\\_length 8" in base


def test_each_row_says_how_much_of_it_is_trained(text):
    headers = [row for row in text.splitlines() if row.startswith("| prompt\\_length | digits")]
    assert headers[0].endswith("| trainable |")
    assert line(text, "| 8 |").endswith("| 1,234 |")


def test_holes_are_named_in_their_cell(text):
    assert "| [50.0] (1)†, diverged 1, failed 1 |" in text
    assert "| [missing 2, running 1] |" in text


def test_a_skipped_cell_says_why(text):
    assert "| 4096 | skipped | — |" in text
    assert "skipped: 4096, digits: takes at most 1000 prompts." in text


def test_a_deterministic_cell_has_no_interval_and_is_not_short_of_seeds(text):
    assert "| TP | [15.0] (det.) |" in text


def test_names_cannot_break_a_table(text):
    rows = [row for row in text.splitlines() if "tures" in row and row.startswith("|")]
    assert rows
    for row in rows:
        assert r"tex\|tures \*bold\* \`x\` 5%\_\<b\>" in row
    header = next(row for row in rows if row.startswith("| prompt"))
    below = text[text.index(header) :].splitlines()[1]
    assert header.replace(r"\|", "").count("|") == below.count("|")


def test_the_order_of_methods_is_computed(text):
    assert "- digits: TP \\< IIP holds, +25.0 \\[+22.5, +27.5\\] (3)." in text
    assert "4 of 4 steps hold." in text


def test_the_top_says_what_a_reader_must_know_first(text):
    top = text[: text.index("## Settings")]
    assert "> **These numbers come from the embedded backbone**, a small network" in top
    assert "> **3 of 32 trials have not ended**" in top
    assert "> **Trials lost: 1 failed, 1 diverged**" in top
    assert "| Cells | 13, of which skipped: 1 |" in top


def test_the_end_says_where_the_numbers_come_from(store, text):
    end = text[text.index("## Where the numbers come from") :]
    origin = query.load(store.uri, "ablation").launch.provenance
    assert f"digest {the_plan().digest}" in end
    assert origin["commit"] in end
    assert f"torch {origin['version.torch']}" in end
    assert "| Trials | 32: 27 finished, 1 diverged, 1 failed, 2 missing, 1 running;" in end
    assert "cells skipped: 1 |" in end
    assert "| Time | 44 s (0.01 h) of training and evaluation" in end  # 29 ended, 1.5 s each
    assert "| Rebuild | `sweeper report ablation --profile demo` |" in end


def test_lost_trials_are_told_with_their_reason_and_run(text):
    lost = text[text.index("## Trials without a score") : text.index("## Where the numbers")]
    failed, diverged = [row for row in lost.splitlines() if row.startswith("- ")]
    assert failed.startswith("- failed: prompt\\_length 1, tex\\|tures")
    assert failed.endswith("]): failed for a reason")
    assert diverged.startswith("- diverged: ")


def test_at_most_ten_lost_trials_are_told_and_the_others_counted():
    plan = hand.plan(hand.cells(["a", "b", "c", "d", "e"], ["digits"]))
    found = hand.recording(plan, lambda *_: "failed")
    found.trials["reason"] = "CUDA is gone\nTraceback, line 2"
    _, bullets, more = lost_blocks(found)
    assert isinstance(bullets, Bullets)
    assert len(bullets.items) == MOST
    assert plain(bullets.items[0]).endswith("): CUDA is gone")
    assert plain(more.content).startswith("And 5 more")


def test_a_plan_with_nothing_done_has_a_report_that_says_so():
    plan = hand.plan(hand.cells(["a", "b"], ["digits"]), seeds=(0, 1, 2))
    blocks = header_blocks(hand.recording(plan, lambda *_: None))
    told = [plain(block.content) for block in blocks if isinstance(block, Notice)]
    assert "Nothing has finished yet: there are no numbers." in told


def test_numbers_of_another_backbone_do_not_say_that_they_are_of_the_embedded_one():
    (cell,) = hand.cells(["a"], ["digits"])
    cell = cell.model_copy(update={"config": cell.config | {"backbone": "timm/vit"}})
    blocks = header_blocks(hand.recording(hand.plan([cell]), lambda *_: 0.5))
    assert not [block for block in blocks if isinstance(block, Notice)]


def test_a_plan_without_cells_or_trials_has_a_report():
    plan = Plan(sweep="none", profile="", seeds=(0,), cells=())
    found = hand.recording(plan, lambda *_: None)
    assert isinstance(found.trials, pd.DataFrame)
    assert report_blocks(found, entries(found))


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


def test_a_search_is_ranked_by_validation_and_says_what_stopping_saved(tmp_path):
    plan = Plan(
        sweep="search",
        profile="demo",
        seeds=(0,),
        cells=(),
        search=Search(
            num_trials=4,
            base={"backbone": "embedded"},
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
    text = squeezed(build(store.uri, "search", tmp_path / "out").read_text())
    assert "3 of 4 configurations drawn (2 finished, 1 stopped)" in text
    assert "1 were stopped early, which saved 8 of 27 epochs" in text
    ranking = text.partition("### Which parameters mattered")[0].splitlines()
    places = [row for row in ranking if row.startswith(("| 1 |", "| 2 |", "| 3 |"))]
    assert [row.split(" | ")[1] for row in places] == ["9", "5", "33"]
    assert places[2].endswith("| 1 | stopped |")


def written(plan, score, **measured):
    found = hand.recording(plan, score, **measured)
    return squeezed(markdown(report_blocks(found, entries(found))))


def test_an_order_that_does_not_come_out_is_reported_as_it_came_out():
    scores = {"tp": (0.5,), "iip": (0.40, 0.41, 0.42), "pgn": (0.39, 0.43, 0.42)}
    text = written(made.ablation(), lambda _, spec: scores[spec.method][spec.seed])
    assert "TP \\< IIP is reversed, -9.0" in text
    assert "IIP \\< PGN is not told apart" in text
    assert "0 of 2 steps hold." in text


def test_cells_that_were_trained_in_micro_batches_are_marked_below_their_table():
    plan = made.ablation()
    wide = cell_of(plan, "16").id
    text = written(
        plan,
        lambda *_: 0.5,
        accumulation=lambda cell, spec: 2.0 + 2 * (spec.seed == 1) if cell.id == wide else 1.0,
    )
    marked = [row.split("|")[1].strip() for row in text.splitlines() if "(3)¹" in row]
    assert set(marked) == {"16"}
    notes = {row for row in text.splitlines() if row.startswith("¹") and "micro" in row}
    assert notes
    assert all("up to 4 micro-batches" in note for note in notes)


def test_a_cell_that_stands_in_two_tables_of_three_is_not_the_base():
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
    text = written(plan, lambda *_: 0.5)
    bases = re.findall(r"change against the base \((\S+) (\S+)\)", text)
    assert [label for _, label in bases] == ["PGN", "8", "PGN"]


@pytest.mark.parametrize("profile", ["", "a b"])
def test_the_command_that_rebuilds_can_be_typed(profile):
    plan = hand.plan(hand.cells(["a"], ["digits"])).model_copy(update={"profile": profile})
    found = hand.recording(plan, lambda *_: 0.5)
    table = report_blocks(found, entries(found))[-2]
    told = {plain(name): plain(value) for name, value in table.rows}
    assert told["Rebuild"] == "sweeper report hand" + (" --profile 'a b'" if profile else "")
