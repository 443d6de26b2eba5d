"""The rule by which a published value was reproduced, case by case."""

from __future__ import annotations

import pytest

from reports.entry import Entry
from reports.statistics import Scores
from reports.value import Value
from reports.verdict import RULE, compare
from sweeper.spec.measure import measure_of
from tests.tracking import made

TOP1 = measure_of("test/acc")
COUNT = measure_of("trainable_parameters")


def ours(*by_seed: float, deterministic: bool = False, statuses: dict[str, int] | None = None):
    scores = Scores(dict(enumerate(by_seed)), deterministic)
    return Value(scores, (Entry(made.cell(), scores, statuses or {}, 3, 1),))


WIDE = ours(0.50, 0.52, 0.54)  # 52.0, interval 47.0 to 57.0
SHARP = ours(0.5200, 0.5201, 0.5199)  # 52.0, interval 51.98 to 52.02


@pytest.mark.parametrize(
    ("value", "published", "word"),
    [
        (WIDE, 52.9, "reproduced"),
        (WIDE, 54.0, "close"),  # in the interval, 2 points off
        (SHARP, 52.9, "close"),  # 0.9 points off, outside the interval
        (SHARP, 53.1, "not reproduced"),
        (WIDE, 57.1, "not reproduced"),
        (SHARP, 52.0, "reproduced"),
    ],
)
def test_both_halves_of_the_rule_one_or_neither(value, published, word):
    found = compare(value, published, "percent", TOP1, [])
    assert found.word == word
    assert found.gap == pytest.approx(52.0 - published)
    assert found.reasons == ()


def test_what_our_mean_is_rounded_to_counts_as_inside_the_interval():
    same = ours(0.63142, deterministic=True)
    assert compare(same, 63.1, "percent", TOP1, []).word == "reproduced"
    assert compare(same, 63.4, "percent", TOP1, []).word == "close"
    assert compare(same, 65.0, "percent", TOP1, []).word == "not reproduced"
    assert "or is what our mean is\nrounded to" in RULE


def test_what_was_measured_otherwise_is_not_compared_whatever_the_values():
    found = compare(WIDE, 52.0, "percent", TOP1, ["another backbone", "other data"])
    assert (found.word, found.gap) == ("not comparable", None)
    assert found.reasons == ("another backbone", "other data")


def test_too_few_seeds_divergence_and_nothing_finished_allow_no_verdict():
    two = compare(ours(0.5, 0.5), 50.0, "percent", TOP1, [])
    assert (two.word, two.reasons, two.gap) == ("no verdict", ("too few seeds",), 0.0)
    lost = ours(0.5, 0.5, 0.5, statuses={"finished": 3, "diverged": 2})
    assert compare(lost, 50.0, "percent", TOP1, []).reasons == ("diverged trials",)
    none = compare(ours(), 50.0, "percent", TOP1, [])
    assert (none.word, none.ours, none.gap) == ("no verdict", None, None)


@pytest.mark.parametrize(
    ("count", "published", "unit", "word"),
    [
        (311_808.0, 0.3, "millions", "close"),  # 3.9 % off, and rounded to it
        (3_199_000.0, 3.2, "millions", "reproduced"),
        (400_000.0, 0.3, "millions", "not reproduced"),
        (1000.0, 1000, "count", "reproduced"),
    ],
)
def test_parameters_are_compared_in_the_unit_of_the_paper(count, published, unit, word):
    found = compare(ours(count, count, count), published, unit, COUNT, [])
    assert found.word == word
    assert found.gap == pytest.approx(count / (1e6 if unit == "millions" else 1) - published)


@pytest.mark.parametrize(
    ("unit", "measure", "why"),
    [
        ("seconds", "seconds", "seconds of another machine"),
        ("points", "test/acc", "the paper gives a difference"),
        ("percent", "trainable_parameters", "the paper's is in percent, ours a number"),
        ("millions", "test/acc", "the paper's is in millions, ours in %"),
    ],
)
def test_other_units_are_not_comparable(unit, measure, why):
    found = compare(WIDE, 52.0, unit, measure_of(measure), [])
    assert found.word == "not comparable"
    assert found.reasons == (why,)
