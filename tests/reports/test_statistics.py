import pytest

from reports.statistics import Scores, best, difference, robustness, verdict


def scores(*values, deterministic=False):
    return Scores(dict(enumerate(values)), deterministic)


def test_a_difference_is_paired_on_the_seeds_that_both_have():
    ours, other = Scores({0: 0.5, 1: 0.7, 2: 0.9}), Scores({1: 0.6, 2: 0.7, 3: 0.1})
    found = difference(ours, other)
    assert found is not None
    assert (found.n, found.mean) == (2, pytest.approx(0.15))


def test_pairing_sees_what_two_separate_intervals_do_not():
    base = scores(0.30, 0.50, 0.70)
    ours = scores(0.32, 0.521, 0.719)
    found = difference(ours, base)
    assert found is not None
    assert found.mean == pytest.approx(0.02)
    assert verdict(found) == "greater"
    assert verdict(difference(base, ours)) == "smaller"


def test_a_deterministic_cell_is_paired_with_every_seed():
    constant = Scores({0: 0.2}, deterministic=True)
    found = difference(scores(0.3, 0.4, 0.5), constant)
    assert found is not None
    assert (found.n, found.mean) == (3, pytest.approx(0.2))
    assert difference(constant, scores(0.3, 0.4, 0.5)).mean == pytest.approx(-0.2)


def test_nothing_is_said_without_an_interval():
    assert difference(scores(0.5), Scores({7: 0.1})) is None
    assert verdict(None) == "unknown"
    assert verdict(difference(scores(0.9), scores(0.1))) == "unknown"


def test_an_interval_around_zero_is_not_told_apart():
    assert verdict(difference(scores(0.5, 0.4, 0.6), scores(0.4, 0.5, 0.6))) == "not told apart"


def test_the_best_and_its_ties_are_bold_and_nothing_else():
    cells = {
        "top": scores(0.80, 0.82, 0.84),
        "tie": scores(0.79, 0.83, 0.83),
        "behind": scores(0.70, 0.72, 0.74),
    }
    assert best(cells) == {"top", "tie"}


def test_a_lone_competitor_is_not_called_best():
    assert best({"only": scores(0.8, 0.9), "none": scores()}) == set()


def test_a_tie_needs_an_interval():
    assert best({"top": scores(0.8), "close": scores(0.79)}) == {"top"}
    assert best({"one": scores(0.8), "same": scores(0.8)}) == {"one", "same"}


def test_a_flat_curve_is_robust_in_every_number():
    found = robustness([(1, 0.5), (4, 0.5), (64, 0.5)])
    assert found is not None
    assert (found.largest_drop, found.area) == (0, pytest.approx(1))
    assert (found.best_at, found.shortest) == (1, 1)


def test_the_numbers_of_a_curve_are_those_worked_by_hand():
    found = robustness([(16, 0.796), (1, 0.4), (4, 0.8)])
    assert found is not None
    assert found.best_at == 4
    assert found.largest_drop == pytest.approx(0.4)
    # log2: 0, 2, 4; relative means 0.5, 1, 0.995; trapezoids 1.5 and 1.995, width 4
    assert found.area == pytest.approx((1.5 + 1.995) / 4)
    assert found.shortest == 4
    near = robustness([(1, 0.791), (4, 0.8)])
    assert near is not None
    assert near.shortest == 1


def test_one_point_says_nothing_about_robustness():
    assert robustness([(1, 0.5)]) is None
    assert robustness([(0, 0.5), (1, 0.5)]) is None
    assert robustness([(1, 0.0), (2, 0.0)]) is None
