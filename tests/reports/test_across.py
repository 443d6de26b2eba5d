"""Tests across tasks, against scipy's and Demsar's own answers."""

from __future__ import annotations

import pytest
from scipy import stats

from reports.across import across_blocks
from reports.document import Grid, Paragraph, Picture, plain
from reports.entry import entries
from reports.rank_test import friedman, holm, signed_rank, wilcoxon
from sweeper.spec.shown import Table
from tests.reports import hand

TASKS = [f"t{n}" for n in range(8)]
TABLE = Table(id="T", title="Title", axis="method")


def told(methods, score, *, base="", tasks=TASKS, table=TABLE, cells=None, **measured):
    plan = hand.plan(cells or hand.cells(methods, tasks, base=base), table)
    recording = hand.recording(plan, score, **measured)
    return across_blocks(table, recording, entries(recording))


def rising(cell, spec):
    """B is above A on every task by one point more than on the one before, C below on half."""
    task, label = int(spec.task[1:]), cell.roles[0].label
    shift = {"A": 0.0, "B": 0.01 * (task + 1), "C": 0.02 * (1 if task % 2 else -1)}[label]
    return 0.4 + task / 50 + shift + spec.seed / 1000


def test_each_row_is_tested_against_the_base_over_tasks_with_holms_correction():
    found = told(["A", "B", "C"], rising, base="A")
    (grid,) = [block for block in found if isinstance(block, Grid)]
    assert grid.name == "table_T_across"
    # All 8 of one sign: two-sided p 2 / 2**8. Holm doubles the smaller of two.
    assert hand.lines(grid)["B"] == ["A", "+4.5", "8 / 0 / 0", "0.008", "0.016"]
    assert hand.lines(grid)["C"][:3] == ["A", "+0.0", "4 / 0 / 4"]
    assert "the 2 rows here" in plain(grid.notes[0])


def test_without_a_base_each_two_rows_are_tested():
    found = told(["A", "B", "C"], rising)
    (grid,) = [block for block in found if isinstance(block, Grid)]
    assert [(plain(row[0]), plain(row[1])) for row in grid.rows] == [
        ("A", "B"),
        ("A", "C"),
        ("B", "C"),
    ]


def test_fewer_than_six_tasks_allow_no_test_and_it_is_said_why():
    (only,) = told(["A", "B"], rising, tasks=TASKS[:5])
    assert isinstance(only, Paragraph)
    assert "have a mean on 5 of 5. With fewer than 6" in plain(only.content)


def test_one_row_or_one_task_or_no_better_direction_needs_no_word():
    assert told(["A"], rising) == []
    assert told(["A", "B"], rising, tasks=TASKS[:1]) == []
    assert (
        told(["A", "B"], rising, table=Table(id="T", title="T", axis="method", measure="seconds"))
        == []
    )


def test_seeds_are_never_observations():
    one = told(["A", "B"], lambda cell, spec: rising(cell, spec) if spec.seed == 0 else None)
    three = told(["A", "B"], rising)
    assert [hand.lines(b)["A"][-1] for b in (one[0], three[0])] == ["0.008", "0.008"]
    assert "16 of the means have too few seeds" in plain(one[0].notes[-1])


def test_only_tasks_on_which_all_rows_have_a_mean_count_and_they_are_named():
    holes = {("B", "t1"), ("A", "t3")}
    score = lambda c, s: None if (c.roles[0].label, s.task) in holes else rising(c, s)  # noqa: E731
    (grid,) = told(["A", "B"], score)
    assert hand.lines(grid)["A"][2] == "0 / 0 / 6"
    assert "6 of 8, on which all rows have a mean: t0, t2, t4, t5, t6, t7." in plain(grid.notes[1])


def test_a_row_without_scores_or_under_another_protocol_is_left_out_and_named():
    cells = [
        cell.model_copy(update={"config": cell.config | {"shots": 4}})
        if cell.roles[0].label == "C"
        else cell
        for cell in hand.cells(["A", "B", "C", "D"], TASKS, base="A")
    ]
    score = lambda c, s: None if c.roles[0].label == "D" else rising(c, s)  # noqa: E731
    found = told([], score, cells=cells)
    assert [*hand.lines(found[0])] == ["B"]
    assert "or without a score: C, D." in plain(found[0].notes[1])


def test_several_rows_have_ranks_and_a_diagram_where_they_differ():
    names = ["A", "B", "C", "D"]
    score = lambda c, s: 0.3 + 0.1 * names.index(c.roles[0].label) + s.seed / 1000  # noqa: E731
    _, text, picture = told(names, score)
    assert isinstance(picture, Picture)
    assert picture.name == "table_T_ranks"
    assert {*picture.files} == {"svg", "pdf", "png"}
    # 12 n / (k (k + 1)) * (sum of squares - k (k + 1)^2 / 4) = 24, q 2.569 * sqrt(20 / 48)
    assert "chi-squared 24.00, p < 0.001" in plain(text.content)
    assert "D 1.00, C 2.00, B 3.00, A 4.00" in plain(text.content)
    assert "differ by more than 1.66" in plain(text.content)
    again = told(names, score)[-1]
    assert again.files == picture.files


def test_rows_that_do_not_differ_have_ranks_and_no_diagram():
    turns = lambda c, s: 0.5 + ((int(s.task[1:]) + ord(c.roles[0].label)) % 3) / 50  # noqa: E731
    blocks = told(["A", "B", "C"], turns, tasks=[f"t{n}" for n in range(6)])
    assert not [block for block in blocks if isinstance(block, Picture)]
    assert "no two of them are compared by rank" in plain(blocks[-1].content)


def test_ranks_follow_the_better_direction_and_share_ties():
    means = {"A": [0.1] * 6, "B": [0.2] * 6, "C": [0.2] * 6}
    assert friedman(means).average == {"A": 3.0, "B": 1.5, "C": 1.5}
    assert friedman(means, lower=True).average == {"A": 1.0, "B": 2.5, "C": 2.5}
    assert friedman({"A": [0.1] * 6, "B": [0.2] * 6}) is None
    assert friedman(dict.fromkeys("ABC", [0.1] * 6)) is None


def test_nemenyi_agrees_with_its_critical_difference():
    means = {name: [n + 0.0] * 8 for n, name in enumerate("ABCD")}
    found = friedman(means)
    for one in "ABCD":
        for other in "ABCD":
            far = abs(found.average[one] - found.average[other]) > found.critical
            assert (found.nemenyi.loc[one, other] < 0.05) == far


def test_holm_steps_down():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_rows_that_are_the_same_on_every_task_are_not_told_apart():
    means = {"A": [0.1 + 0.2] * 7, "B": [0.3] * 7}  # differ by rounding alone
    (pair,) = wilcoxon(means, [("A", "B")])
    assert (pair.p, pair.equal, pair.higher) == (1.0, 7, 0)


def test_blocks_of_rows_are_tested_each_by_itself_and_corrected_together():
    cells = [
        *hand.cells(["A", "B"], TASKS, base="A", backbone="one"),
        *hand.cells(["A", "B"], TASKS, base="A", backbone="two"),
    ]
    table = Table(id="T", title="T", axis="method", rows=("backbone",))
    (grid,) = told([], rising, cells=cells, table=table)
    assert [*hand.lines(grid)] == ["one: B", "two: B"]
    assert hand.lines(grid)["one: B"][-2:] == ["0.008", "0.016"]


@pytest.mark.parametrize(
    "change",
    [
        [1, 2, 2, -3, 4, 4, 5],
        [1, 1, 1, 1, 1, 1],
        [0, 0, 1, -1, 2, 2, 3, 3],
        [1, 2, 3, 4, 5, 6, -7],
        [0.5, -0.5],
    ],
)
def test_the_signed_rank_test_is_that_of_scipy(change):
    assert signed_rank(change) == pytest.approx(stats.wilcoxon(change).pvalue)


def test_the_same_differences_everywhere_are_seen_and_none_at_all_is_no_evidence():
    assert signed_rank([1.0] * 6) == pytest.approx(2 / 64)
    assert signed_rank([0.0] * 6) == 1.0
