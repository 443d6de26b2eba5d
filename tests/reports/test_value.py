"""What stands in one place: a measure of a cell, and the difference of two."""

from __future__ import annotations

import math

import pytest

from reports.entry import Entry
from reports.statistics import Scores
from reports.value import Value, average_of, less, value_of
from tests.tracking import made


def value(by_seed: dict[int, float], *, deterministic: bool = False, **what) -> Value:
    scores = Scores(by_seed, deterministic)
    return Value(scores, (Entry(made.cell(), scores, {}, 3, 10, link="http://ui/c"),), **what)


def test_a_difference_is_paired_on_common_seeds_and_has_the_marks_of_both_sides():
    ours = value({0: 0.5, 1: 0.7}, holes=("failed 1",), remarks=("a", "b"))
    other = value({1: 0.4, 2: 0.1}, holes=("missing 1",), remarks=("b", "c"), apart=True)
    found = less(ours, other, "TP")
    assert found.scores.by_seed == pytest.approx({1: 0.3})
    assert found.holes == ("failed 1", "missing 1 of TP")
    assert found.remarks == ("a", "b", "c")
    assert found.apart
    assert found.too_few, "of common seeds"
    assert found.link == "http://ui/c"


def test_a_deterministic_side_is_paired_with_every_seed_of_the_other():
    same, ours = value({0: 0.4}, deterministic=True), value({3: 0.5, 4: 0.7})
    assert less(ours, same, "TP").scores.by_seed == pytest.approx({3: 0.1, 4: 0.3})
    assert less(same, ours, "PGN").scores.by_seed == pytest.approx({3: -0.1, 4: -0.3})
    both = less(same, same, "TP")
    assert both.scores == Scores({0: 0.0}, deterministic=True)
    assert less(ours, value({}), "TP").summary is None


def test_a_value_without_a_score_has_no_mean():
    assert math.isnan(value({}).mean)
    assert value({0: 0.25, 1: 0.75}).mean == 0.5


def test_an_average_trains_the_mean_of_what_its_members_train_and_has_no_page():
    one = value({0: 0.5})
    other = Value(one.scores, (Entry(made.cell(), one.scores, {}, 3, 30),))
    unknown = Value(one.scores, (Entry(made.cell(), one.scores, {}, 3, None),))
    assert average_of([one, other]).trainable == 20
    assert average_of([one, unknown]).trainable is None
    assert (one.link, average_of([one, other]).link) == ("http://ui/c", "")


def test_of_one_field_of_the_protocol_nothing_is_said_where_it_is_asked_for():
    cell = made.cell()
    cell = cell.model_copy(update={"config": cell.config | {"shots": 16}})
    entry = Entry(cell, Scores({0: 0.5}), {}, 3, 1, base={"shots": 4})
    assert value_of(entry).remarks == ("under another protocol: shots 16 (base: 4)",)
    assert value_of(entry, but="shots").remarks == ()
    assert entry.apart
