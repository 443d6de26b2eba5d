import math
import random

import pytest
from scipy import stats

from sweeper.tracking.summary import summarise


def test_no_value_has_no_summary_and_one_value_no_interval():
    assert summarise([]) is None
    one = summarise([0.5])
    assert one is not None
    assert (one.n, one.mean, one.std) == (1, 0.5, None)
    assert (one.ci95, one.low, one.high) == (None, None, None)


def test_three_values_have_the_student_interval_of_the_textbook():
    found = summarise([1.0, 2.0, 3.0])
    assert found is not None
    assert (found.n, found.mean, found.std) == (3, 2.0, 1.0)
    assert found.ci95 == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    low, high = stats.t.interval(0.95, 2, loc=2.0, scale=1 / math.sqrt(3))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_equal_values_have_an_interval_of_zero():
    found = summarise([0.3] * 3)
    assert found is not None
    assert found.ci95 == pytest.approx(0, abs=1e-12)


def test_the_order_of_the_seeds_does_not_move_a_bit():
    values = [0.1, 0.7, 1e-9, 0.30000000000000004, 0.2]
    assert summarise(values) == summarise(values[::-1])


def test_the_interval_of_three_seeds_covers_the_truth_19_times_in_20():
    draw = random.Random(0)
    trials = 4000
    hits = 0
    for _ in range(trials):
        found = summarise([draw.gauss(0, 1) for _ in range(3)])
        assert found is not None
        assert found.ci95 is not None
        hits += abs(found.mean) <= found.ci95
    assert hits / trials == pytest.approx(0.95, abs=0.012)
