"""The table of joint tasks, of a store written by the real writer, with known answers."""

from dataclasses import replace

import pytest

from reports import printed_parts, query
from reports.entry import entries
from reports.parts import parts_blocks
from reports.published import Paper
from reports.statistics import Scores, mean_over
from sweeper.spec.plan import Plan, Role
from sweeper.spec.shown import Table
from sweeper.tracking.writer import Writer
from tests.reports import hand
from tests.tracking import made

# On pets and on farm, for seeds 0, 1, 2
JOINT = {"test/acc/pets": (0.80, 0.82, 0.84), "test/acc/farm": (0.40, 0.40, 0.40)}
ALONE = {"pets": (0.90, 0.90, 0.90), "farm": (0.50, 0.54, 0.58)}


def cell(task, **what):
    label = what.get("method", "pgn").upper()
    return made.cell(Role(axis="method", label=label, value=label), over={"task": task}, **what)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """PGN joint and alone on both parts, IIP joint with two of three seeds, TP joint."""
    folder = tmp_path_factory.mktemp("joint")
    store = made.blank_store(folder)
    cells = [cell(task, prompt_length=8) for task in ("pets", "farm", "pets+farm")]
    cells.append(cell("pets+farm", method="iip"))
    cells.append(cell("pets+farm", method="tp", seeds=(0,), epochs=0))
    plan = Plan(
        sweep="joint",
        profile="demo",
        seeds=made.SEEDS,
        cells=tuple(cells),
        tables=(Table(id="T6", title="Joint", axis="method"),),
    )
    with Writer(store, plan) as writer:
        for spec in plan.trials():
            if (spec.method, spec.seed) == ("iip", 2):
                continue
            if spec.task in ALONE:
                made.train(writer, spec, made.result(spec, acc=ALONE[spec.task][spec.seed]))
                continue
            measured = {name: accs[spec.seed] for name, accs in JOINT.items()}
            made.train(writer, spec, replace(made.result(spec, acc=0.5), measured=measured))
    recording = query.load(store.uri, "joint")
    heading, grid, note = parts_blocks(recording, entries(recording))
    assert heading.title == "Joint tasks, part by part"
    assert "(J) - (I) of the means, points, paired on common seeds" in plain(note.content)
    assert [plain(header) for header in grid.headers] == [
        "",
        "pets",
        "farm",
        "mean",
        "Δ",
    ]
    return {plain(row[0]): [plain(cell) for cell in row[1:]] for row in grid.rows}


def plain(content):
    return "".join(span.text for span in content)


def cells_of(rows, start):
    return rows[start]


def test_each_part_has_its_mean_and_interval_over_seeds_and_so_has_the_mean_over_parts(rows):
    pets, farm, mean, _ = cells_of(rows, "PGN (J)")
    assert pets == "82.0 ± 5.0 (3)"
    assert farm == "40.0 ± 0.0 (3)"
    assert mean == "61.0 ± 2.5 (3)", "of 60, 61 and 62"


def test_the_cells_trained_on_each_part_alone_stand_below(rows):
    pets, farm, mean, _ = cells_of(rows, "PGN (I)")
    assert (pets, farm) == ("90.0 ± 0.0 (3)", "54.0 ± 9.9 (3)")
    assert mean == "72.0 ± 5.0 (3)", "of 70, 72 and 74"


def test_the_difference_of_the_means_is_paired_on_seeds(rows):
    assert cells_of(rows, "PGN (J)")[-1] == "-11.0 [-13.5, -8.5] (3)"


def test_a_seed_that_is_missing_is_marked_and_a_cell_without_its_own_parts_has_no_difference(rows):
    pets, _, mean, change = cells_of(rows, "IIP (J)")
    assert pets == "81.0 ± 12.7 (2)†, missing 1"
    assert mean == "60.5 ± 6.4 (2)†, missing 1"
    assert change == "—"
    assert "IIP (I)" not in rows


def test_a_deterministic_cell_is_called_so(rows):
    assert cells_of(rows, "TP (J)") == [
        "80.0 (det.)",
        "40.0 (det.)",
        "60.0 (det.)",
        "—",
    ]


def test_a_mean_over_parts_needs_all_parts_of_a_seed_and_repeats_what_is_deterministic():
    one = Scores({0: 0.2, 1: 0.4})
    assert mean_over([one, Scores({1: 0.8, 2: 1.0})]).by_seed == {1: pytest.approx(0.6)}
    same = Scores({0: 0.6}, deterministic=True)
    assert mean_over([one, same]) == Scores({0: pytest.approx(0.4), 1: pytest.approx(0.5)})
    assert mean_over([same, same]).deterministic
    assert mean_over([one, Scores({})]).by_seed == {}


def joint_plan(target_row, tasks, **config):
    """PGN on each of the tasks of Table 6 and on all of them."""
    role = Role(axis="method", label="PGN", value="pgn", target_row=target_row)
    cells = []
    for task in (*tasks, "+".join(tasks)):
        one = made.cell(role, over={"task": task}, prompt_length=16, epochs=500)
        cells.append(one.model_copy(update={"config": one.config | config}))
    table = Table(id="T6", title="Joint", axis="method", target="made/T6")
    return hand.plan(cells, table)


@pytest.fixture
def paper(monkeypatch):
    rows = {
        "PGN (I)": {"Pets": 91.5, "Farm": 54.0, "Avg.": 72.8},
        "PGN (J)": {"Pets": 82.0, "Farm": 50.0, "Avg.": 66.0, "Δ": -6.8},
    }
    table = {"source": "Table 6", "caption": "Joint", "protocol": {"epochs": 500}, "rows": rows}
    columns = {"Pets": "pets", "Farm": "farm", "Avg.": "", "Δ": ""}
    found = Paper.model_validate(
        {
            "paper": "made",
            "title": "Made",
            "backbone": "embedded",
            "columns": columns,
            "tables": {"T6": table},
        }
    )
    monkeypatch.setattr(printed_parts, "published", lambda _: (found, "T6"))


def parts_of(plan):
    on = {f"test__acc__{n}": lambda _, s, n=n: JOINT[f"test/acc/{n}"][s.seed] for n in ALONE}
    recording = hand.recording(plan, 0.5, **on)
    single = ~recording.trials["config.task"].str.contains("+", regex=False)
    recording.trials.loc[single, [f"measured.{name}" for name in JOINT]] = float("nan")
    return parts_blocks(recording, entries(recording))[1]


@pytest.mark.usefixtures("paper")
def test_the_papers_rows_of_the_same_method_stand_below_with_verdicts_on_the_joint_one():
    grid = parts_of(joint_plan("PGN (I)", ("pets", "farm")))
    assert [*hand.lines(grid)] == [
        "PGN (I)",
        "PGN (J)",
        "MADE, Table 6: PGN (I)",
        "MADE, Table 6: PGN (J)",
    ]
    assert hand.lines(grid)["MADE, Table 6: PGN (I)"] == ["91.5", "54.0", "72.8", "—"]
    assert hand.lines(grid)["MADE, Table 6: PGN (J)"] == ["82.0¹", "50.0²", "66.0", "-6.8"]
    assert [plain(note) for note in grid.notes] == ["¹ reproduced.", "² not reproduced."]
    wrong = parts_of(joint_plan("PGN (I)", ("pets", "farm"), shots=4))
    assert "other settings (shots)" in plain(wrong.notes[0])


@pytest.mark.usefixtures("paper")
def test_the_papers_rows_of_other_data_are_called_so():
    lines = hand.lines(parts_of(joint_plan("PGN (I)", ("pets", "farm"))))
    assert "MADE, Table 6: PGN (J), on other data" not in lines
    plan = joint_plan("PGN (I)", ("pets", "shapes"))
    recording = hand.recording(plan, 0.5, test__acc__pets=0.5, test__acc__shapes=0.5)
    lines = hand.lines(parts_blocks(recording, entries(recording))[-2])
    assert lines["MADE, Table 6: PGN (J), on other data"] == ["82.0¹", "—", "66.0", "-6.8"]


@pytest.mark.usefixtures("paper")
def test_a_method_without_two_rows_in_the_paper_has_ours_alone():
    assert [*hand.lines(parts_of(joint_plan("", ("pets", "farm"))))] == ["PGN (I)", "PGN (J)"]
