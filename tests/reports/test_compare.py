"""Two recordings side by side, of stores written by the real writer."""

import pytest

from reports import query
from reports.compare import compare, compare_blocks, shared
from reports.document import Grid
from sweeper.records import TrialStatus
from sweeper.spec.plan import Role
from sweeper.tracking.writer import Writer
from tests.tracking import made

LENGTHS = (1, 4, 8)


def plan_of(sweep: str, lengths=LENGTHS, **what):
    cells = [
        made.cell(
            Role(axis="prompt_length", label=str(length), value=length),
            base=length == 8,
            prompt_length=length,
            **what,
        )
        for length in lengths
    ]
    return made.ablation().model_copy(
        update={"sweep": sweep, "cells": tuple(cells), "tables": (), "curves": ()}
    )


def write(store, plan, scores):
    """`scores`: prompt length -> accuracy of each seed; a seed without one failed."""
    with Writer(store, plan) as writer:
        for spec in plan.trials():
            own = scores.get(spec.params["prompt_length"], [])
            if spec.seed < len(own):
                writer.trial_ended(spec, made.result(spec, acc=own[spec.seed]))
            else:
                writer.trial_ended(spec, made.result(spec, TrialStatus.FAILED))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return made.blank_store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def found(store):
    """With 4 prompts the second is one point higher in each seed; with 1 it swings; 8 is new."""
    write(store, plan_of("one"), {1: [0.5, 0.5, 0.5], 4: [0.6, 0.7, 0.8], 8: [0.9, 0.9, 0.9]})
    slower = plan_of("two", lengths=(1, 4, 16), epochs=5)
    write(store, slower, {1: [0.4, 0.6, 0.5], 4: [0.61, 0.71, 0.81], 16: [0.9]})
    return compare(query.load(store.uri, "one"), query.load(store.uri, "two"))


def test_cells_at_the_same_place_are_paired_and_their_seeds_too(found):
    by_name = {pair.name: pair for pair in found.pairs}
    assert list(by_name) == ["digits, prompt_length 1", "digits, prompt_length 4"]
    four, one = by_name["digits, prompt_length 4"], by_name["digits, prompt_length 1"]
    assert four.change.mean == pytest.approx(0.01)
    assert four.change.std == pytest.approx(0, abs=1e-12)
    assert four.verdict == "greater"
    assert one.change.mean == pytest.approx(0)
    assert one.verdict == "not told apart"


def test_what_stands_on_one_side_alone_is_named(found):
    assert list(found.only_first) == ["digits, prompt_length 8"]
    assert list(found.only_second) == ["digits, prompt_length 16"]


def test_settings_that_differ_everywhere_are_told_once(found):
    assert shared(found) == [("epochs", 3, 5)]
    (grid,) = [block for block in compare_blocks(found) if isinstance(block, Grid)]
    assert all(row[-1][0].text == "" for row in grid.rows)


def test_the_same_cell_is_the_same_trials(found):
    again = compare(found.first, found.first)
    assert [pair.same for pair in again.pairs] == [True, True, True]
    assert all(pair.change.mean == 0 for pair in again.pairs)


def test_the_launch_before_is_a_revision(store):
    write(store, plan_of("grown", lengths=(1, 4)), {1: [0.5, 0.5, 0.5], 4: [0.6, 0.6, 0.6]})
    before = query.load(store.uri, "grown")
    write(store, plan_of("grown"), {1: [0.5, 0.5, 0.5], 4: [0.6, 0.6, 0.6], 8: [0.7]})
    assert query.load(store.uri, "grown", back=1).plan == before.plan
    assert query.load(store.uri, "grown", digest=before.plan.digest[:6]).plan == before.plan
    both = compare(query.load(store.uri, "grown", back=1), query.load(store.uri, "grown"))
    assert [pair.same for pair in both.pairs] == [True, True]
    assert list(both.only_second) == ["digits, prompt_length 8"]


@pytest.mark.parametrize("wrong", [{"back": 9}, {"digest": "0000"}])
def test_a_revision_that_is_not_there_names_those_that_are(store, wrong, found):
    with pytest.raises(query.StoreError, match=f"There are @{found.first.plan.digest[:8]}"):
        query.load(store.uri, "one", **wrong)


def test_sweeps_without_a_common_place_have_nothing_to_compare(store, found):
    write(store, plan_of("apart", lengths=(2,)), {2: [0.5, 0.5, 0.5]})
    none = compare(found.first, query.load(store.uri, "apart"))
    assert none.pairs == []
    assert any("nothing to compare" in str(block) for block in compare_blocks(none))
