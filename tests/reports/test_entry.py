"""What is read of the trials of each cell."""

from __future__ import annotations

import time

import pytest

from reports.entry import entries
from reports.footnote import ON_TEST
from reports.statistics import Scores
from reports.value import value_of
from tests.reports import hand

NAN = float("nan")


def test_every_measure_of_a_trial_is_there_by_its_name():
    plan = hand.plan(hand.cells(["A"], ["x"]))
    recording = hand.recording(
        plan,
        lambda _, spec: 0.5 + spec.seed / 10,
        test__macro_f1=0.25,
        construction_seconds=7.0,
        analysis__variance__within=lambda _, spec: float(spec.seed),
    )
    (entry,) = entries(recording).values()
    assert entry.scores_of("test/acc").by_seed == pytest.approx({0: 0.5, 1: 0.6, 2: 0.7})
    assert entry.scores_of("test/acc") is entry.scores
    assert entry.scores_of("seconds") == Scores({0: 1.5, 1: 1.5, 2: 1.5})
    assert entry.scores_of("val/acc") == Scores({0: 0.5, 1: 0.5, 2: 0.5})
    assert entry.scores_of("trainable_parameters") == Scores({0: 1234, 1: 1234, 2: 1234})
    assert entry.scores_of("test/macro_f1") == Scores({0: 0.25, 1: 0.25, 2: 0.25})
    assert entry.scores_of("construction_seconds") == Scores({0: 7, 1: 7, 2: 7})
    assert entry.scores_of("analysis/variance/within") == Scores({0: 0, 1: 1, 2: 2})
    assert entry.scores_of("analysis/cka/mean").by_seed == {}
    assert entry.trainable_parameters == 1234


def test_what_is_no_finite_number_is_left_out_of_its_measure_only():
    plan = hand.plan(hand.cells(["A"], ["x"]))
    odd = {0: NAN, 1: float("inf"), 2: 3.0}
    recording = hand.recording(plan, 0.5, test__macro_f1=lambda _, s: odd[s.seed])
    (entry,) = entries(recording).values()
    assert entry.scores_of("test/macro_f1").by_seed == {2: 3.0}
    assert len(entry.scores.by_seed) == 3


def test_only_finished_trials_count_and_the_others_are_named():
    plan = hand.plan(hand.cells(["A"], ["x"], seeds=range(6)), seeds=range(6))
    how = {0: 0.5, 1: "failed", 2: "diverged", 3: "running", 4: None, 5: "stopped"}
    (entry,) = entries(hand.recording(plan, lambda _, spec: how[spec.seed])).values()
    assert entry.scores.by_seed == {0: 0.5}
    assert entry.holes == ["diverged 1", "failed 1", "missing 1", "running 1", "stopped 1"]
    assert value_of(entry).too_few
    assert not value_of(entry).sound


def test_one_trial_of_a_cell_in_a_plan_of_several_seeds_is_deterministic():
    plan = hand.plan(hand.cells(["A"], ["x"], seeds=(0,)))
    (entry,) = entries(hand.recording(plan, 0.5)).values()
    assert entry.scores.deterministic
    assert entry.scores_of("seconds").deterministic
    assert not value_of(entry).too_few


def test_a_cell_links_to_its_page_and_one_without_a_page_to_none():
    plan = hand.plan(hand.cells(["A", "B"], ["x"]))
    recording = hand.recording(plan, 0.5)
    first, second = (cell.id for cell in plan.cells)
    recording.links.pop(second)
    found = entries(recording)
    assert found[first].link == f"http://ui/{first}"
    assert found[second].link == ""


def test_the_parts_of_a_joint_task_are_among_its_measures():
    plan = hand.plan(hand.cells(["A"], ["x+y"]))
    recording = hand.recording(plan, 0.5, test__acc__x=0.75)
    (entry,) = entries(recording).values()
    assert entry.parts == {"x": Scores({0: 0.75, 1: 0.75, 2: 0.75})}


def test_micro_batches_and_selection_on_test_are_told():
    cells = [
        cell.model_copy(update={"config": cell.config | {"selection": "best_test"}})
        for cell in hand.cells(["A"], ["x"])
    ]
    recording = hand.recording(hand.plan(cells), 0.5, accumulation=lambda _, s: float(1 + s.seed))
    (entry,) = entries(recording).values()
    on_test, cut = entry.remarks()
    assert on_test == ON_TEST
    assert "up to 3 micro-batches" in cut


def test_an_empty_plan_has_no_entries():
    assert entries(hand.recording(hand.plan(()), 0.5)) == {}


def test_thousands_of_trials_are_read_at_once():
    cells = hand.cells([f"m{n}" for n in range(30)], [f"t{n}" for n in range(40)])
    recording = hand.recording(hand.plan(cells), 0.5)
    start = time.process_time()
    found = entries(recording)
    assert len(found) == 1200
    assert time.process_time() - start < 3, "a look at each trial for each cell takes far longer"
