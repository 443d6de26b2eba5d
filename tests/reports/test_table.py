"""Tables of hand-made records: what stands where, what is in bold, what is said below."""

from __future__ import annotations

from reports.document import Grid, Heading, plain
from reports.entry import entries
from reports.filled import fill
from reports.footnote import ON_TEST
from reports.table import table_blocks
from sweeper.spec.shown import Table
from tests.reports import hand

NOISE = (0.0, 0.01, -0.01)  # by seed: half width 4.3027 * 0.01 / sqrt(3), 2.5 points


def scored(means):
    """Of a mapping (label, task) -> mean, or a status; a seed moves it by one point."""

    def score(cell, spec):
        mean = means[cell.roles[0].label, spec.task]
        return mean + NOISE[spec.seed] if isinstance(mean, float) else mean

    return score


def blocks(table, plan, score, **measured):
    recording = hand.recording(plan, score, **measured)
    return table_blocks(table, recording, entries(recording))


def grid_named(found, name):
    (grid,) = [block for block in found if isinstance(block, Grid) and block.name == name]
    return grid


def notes(grid):
    return " ".join(plain(note) for note in grid.notes)


def bold(grid):
    return {plain(row[0]) for row in grid.rows for cell in row[1:] for span in cell if span.bold}


def simple(**what):
    return Table(id="T", title="Title", axis="method", **what)


def test_an_entry_is_mean_interval_and_number_of_seeds_and_leads_to_its_page():
    plan = hand.plan(hand.cells(["A"], ["x"]))
    heading, grid = blocks(simple(), plan, scored({("A", "x"): 0.58}))
    assert isinstance(heading, Heading)
    assert heading.title == "T: Title"
    assert (grid.name, grid.caption) == ("table_T", "Title: top-1, %")
    assert hand.headers(grid) == ["method", "x", "trainable"]
    assert hand.lines(grid) == {"A": ["58.0 ± 2.5 (3)", "1,234"]}
    mean = grid.rows[0][1][0]
    assert (mean.text, mean.link) == ("58.0", f"http://ui/{plan.cells[0].id}")


def test_what_is_not_finished_is_named_in_its_entry_and_explained_below():
    plan = hand.plan(hand.cells(["A", "B"], ["x"], seeds=range(6)), seeds=range(6))
    how = {0: 0.5, 1: "failed", 2: "diverged", 3: "running", 4: None, 5: "stopped"}
    grid = grid_named(blocks(simple(), plan, lambda _, spec: how[spec.seed]), "table_T")
    told = "50.0 (1)†, diverged 1, failed 1, missing 1, running 1, stopped 1"
    assert hand.lines(grid)["A"][0] == told
    for mark in ("† fewer finished seeds than the 3", "diverged:", "failed:", "missing:"):
        assert mark in notes(grid)
    assert "running: trials that have not ended" in notes(grid)
    assert "stopped: trials that the search ended early" in notes(grid)
    whole = grid_named(blocks(simple(), plan, 0.5), "table_T")
    assert notes(whole) == "", "nothing is explained that does not occur"


def test_a_skipped_cell_and_one_that_is_not_planned_are_told_apart():
    a, b = hand.cells(["A"], ["x", "y"])
    (c,) = hand.cells(["B"], ["x"])
    c = c.model_copy(update={"trials": (), "skip": "takes at most 9 prompts", "id": "s"})
    grid = grid_named(blocks(simple(), hand.plan([a, b, c]), 0.5), "table_T")
    assert hand.lines(grid)["B"] == ["skipped", "—", "—"]
    assert "skipped: B, x: takes at most 9 prompts." in notes(grid)


def test_the_best_is_bold_and_so_is_what_is_not_told_apart_from_it():
    plan = hand.plan(hand.cells(["A", "B", "C"], ["x"]))
    wave = {"A": (0.50, 0.60, 0.55), "B": (0.56, 0.54, 0.58), "C": (0.30, 0.40, 0.36)}
    score = lambda cell, spec: wave[cell.roles[0].label][spec.seed]  # noqa: E731
    assert bold(grid_named(blocks(simple(), plan, score), "table_T")) == {"A", "B"}


def test_where_less_is_better_the_lowest_is_bold_and_without_a_direction_nothing_is():
    plan = hand.plan(hand.cells(["A", "B"], ["x"]))
    loss = {"A": 0.2, "B": 0.9}
    losses = simple(measure="test/macro_f1")
    of = lambda cell, spec: loss[cell.roles[0].label] + spec.seed / 1000  # noqa: E731
    found = blocks(losses, plan, 0.5, test__macro_f1=of)
    assert bold(grid_named(found, "table_T")) == {"B"}
    recording = hand.recording(plan, 0.5)
    recording.trials["test_loss"] = [0.2, 0.21, 0.19, 0.9, 0.91, 0.89]
    lowest = table_blocks(simple(measure="test/loss"), recording, entries(recording))
    assert bold(grid_named(lowest, "table_T")) == {"A"}
    assert bold(grid_named(blocks(simple(measure="seconds"), plan, 0.5), "table_T")) == set()


def test_where_the_highest_mean_has_too_few_seeds_or_lost_some_nothing_is_bold():
    plan = hand.plan(hand.cells(["A", "B", "C"], ["x"], seeds=range(4)), seeds=range(4))
    for fate in (None, "diverged"):
        score = {"A": [0.9, 0.9, 0.9 if fate else None, fate], "B": [0.5] * 4, "C": [0.4] * 4}
        of = lambda cell, spec, score=score: score[cell.roles[0].label][spec.seed]  # noqa: E731
        assert bold(grid_named(blocks(simple(), plan, of), "table_T")) == set()


def test_a_measure_has_its_unit_and_its_digits_and_what_lacks_it_is_named():
    plan = hand.plan(hand.cells(["A"], ["x"]))
    table = simple(measure="analysis/variance/within")
    of = lambda _, spec: 0.25 + spec.seed / 1000 if spec.seed else hand.NAN  # noqa: E731
    grid = grid_named(blocks(table, plan, 0.5, analysis__variance__within=of), "table_T")
    assert hand.lines(grid)["A"] == ["0.252 ± 0.006 (2)†, without a number 1"]
    assert grid.caption == "Title: variance: within"
    counts = blocks(simple(measure="trainable_parameters"), plan, 0.5)
    assert hand.lines(grid_named(counts, "table_T"))["A"] == ["1,234 ± 0 (3)"]
    seconds = grid_named(blocks(simple(measure="seconds"), plan, 0.5), "table_T")
    assert seconds.caption == "Title: time of training and evaluation, s"


def test_crossed_factors_stand_in_the_rows_in_blocks_with_a_best_and_a_base_each():
    cells = [
        *hand.cells(["A", "B"], ["x"], base="A", backbone="one"),
        *hand.cells(["A", "B"], ["x"], base="A", backbone="two"),
    ]
    mean = {("A", "one"): 0.3, ("B", "one"): 0.4, ("A", "two"): 0.9, ("B", "two"): 0.7}
    score = lambda c, s: mean[c.roles[0].label, c.over["backbone"]] + s.seed / 1000  # noqa: E731
    found = blocks(simple(rows=("backbone",)), hand.plan(cells), score)
    grid = grid_named(found, "table_T")
    assert [*hand.lines(grid)] == ["one / A", "one / B", "two / A", "two / B"]
    assert hand.headers(grid) == ["backbone / method", "x", "trainable"]
    assert grid.rules == [2]
    assert bold(grid) == {"one / B", "two / A"}
    changes = grid_named(found, "table_T_changes")
    assert hand.lines(changes) == {
        "one / B": ["+10.0 [+10.0, +10.0] (3)"],
        "two / B": ["-20.0 [-20.0, -20.0] (3)"],
    }


def test_changes_are_paired_on_seeds_with_the_signs_of_their_entries():
    a, b = hand.cells(["A", "B"], ["x"], base="A")
    b = b.model_copy(update={"config": b.config | {"selection": "best_test"}})
    ours = {"A": (0.50, 0.52, 0.54), "B": (0.60, 0.63, 0.66)}
    score = lambda cell, spec: ours[cell.roles[0].label][spec.seed]  # noqa: E731
    changes = grid_named(blocks(simple(), hand.plan([a, b]), score), "table_T_changes")
    assert hand.lines(changes) == {"B": ["+11.0 [+8.5, +13.5] (3)¹"]}
    assert "against the base (method A) in points" in changes.caption
    assert notes(changes) == f"¹ {ON_TEST}."


def test_no_change_is_printed_as_a_negative_nothing():
    cells = hand.cells(["A", "B"], ["x"], base="A", seeds=(0,))
    plan = hand.plan(cells, seeds=(0, 1))
    score = {"A": 0.5, "B": 0.49999}
    found = blocks(simple(), plan, lambda cell, _: score[cell.roles[0].label])
    assert hand.lines(grid_named(found, "table_T_changes")) == {"B": ["+0.0 (1)"]}


def test_rows_are_in_the_order_of_the_sweep_file_though_its_base_is_planned_first():
    first, second = hand.cells(["base", "other"], ["x"], base="base")
    moved = first.roles[0].model_copy(update={"place": 1})
    plan = hand.plan([first.model_copy(update={"roles": (moved,)}), second], simple())
    grid = grid_named(blocks(simple(), plan, 0.5), "table_T")
    assert [plain(row[0]) for row in grid.rows] == ["other", "base"]


def test_what_an_average_is_over_is_told_where_it_is_not_over_all():
    named = simple(averages={"Few (7)": ("x", "z"), "All": ()})
    plan = hand.plan(hand.cells(["a", "b"], ["x", "y", "z"]), named)
    (grid,) = [each for each in blocks(named, plan, 0.5) if getattr(each, "name", "") == "table_T"]
    assert [plain(note) for note in grid.notes] == ["Averages: Few (7) over x, z."]


def test_a_table_of_many_data_sets_stands_on_its_side_with_its_averages():
    tasks = [f"t{n}" for n in range(12)]
    plan = hand.plan(hand.cells(["A", "B"], tasks))
    grid = grid_named(blocks(simple(averages={"Avg.": ()}), plan, 0.5), "table_T")
    assert hand.headers(grid) == ["task", "A", "B"]
    assert [*hand.lines(grid)] == [*tasks, "Avg.", "trainable"]


def test_a_table_without_cells_is_an_empty_grid():
    grid = grid_named(blocks(simple(), hand.plan(()), 0.5), "table_T")
    assert grid.rows == []


def test_thousands_of_cells_are_arranged_without_looking_at_each_column_for_each():
    cells = hand.cells([f"m{n}" for n in range(4)], [f"t{n}" for n in range(700)])
    plan = hand.plan(cells, seeds=(0,))
    recording = hand.recording(plan, 0.5)
    filled = fill(simple(), plan, entries(recording))
    assert len(filled.values) == 2800
    assert len(filled.slots) == 700
