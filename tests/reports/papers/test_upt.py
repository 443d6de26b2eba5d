"""The published numbers of UPT stand as printed, and what is wrong with them is said beside."""

from __future__ import annotations

from statistics import mean

import pytest

from reports.published import obstacles, published
from sweeper.catalog import Supplied
from sweeper.spec.load import load
from sweeper.tasks import catalog
from tests.spec.test_search_spaces import SPACES

PAPER = published("upt/T1")[0]
SOURCE, *SHIFTED = ["ImageNet", "-V2", "-S", "-A", "-R"]
# Averages that the cells do not give: (table, row, column) -> as the cells have it.
WRONG = {
    ("T1", "VPT-shallow", "Average"): 60.41,
    ("T1", "VPT-deep", "Average"): 60.03,
    ("T2", "CoOp", "Average"): 78.23,
    ("T2", "Shared", "Average"): 77.89,
    ("T2", "MLP", "Average"): 78.74,
}


def _averages() -> list[tuple[str, str, str, float, float]]:
    """(table, row, column, printed, the mean of its cells) of every average of Tables 1 and 2."""
    found = []
    for name, averages in {
        "T1": {"Average": [SOURCE, *SHIFTED], "OOD Average": SHIFTED},
        "T2": {"Average": [c for c in PAPER.columns_of("T2") if c != "Average"]},
    }.items():
        for row, values in PAPER.tables[name].rows.items():
            for column, members in averages.items():
                cells = [float(values[member]) for member in members]
                found.append((name, row, column, float(values[column]), mean(cells)))
    return found


def test_table_1_has_five_methods_on_five_sets_and_table_2_seven_on_eleven() -> None:
    assert [len(PAPER.tables[name].rows) for name in ("T1", "T2")] == [5, 7]
    assert [len(PAPER.columns_of(name)) for name in ("T1", "T2")] == [5 + 2, 11 + 1]
    for name in ("T1", "T2"):
        rows = PAPER.tables[name].rows.values()
        assert {tuple(row) for row in rows} == {tuple(PAPER.columns_of(name))}


def test_an_average_is_that_of_its_cells_or_an_erratum_says_what_they_give() -> None:
    for name, row, column, printed, cells in _averages():
        told = [e.text for e in PAPER.tables[name].errors if (e.row, e.column) == (row, column)]
        if (name, row, column) in WRONG:
            right = WRONG[name, row, column]
            assert round(cells, 2) == right != printed
            assert told == [each for each in told if f"{right:.2f}" in each] != []
        else:
            assert round(cells, 2) == printed, (name, row, column)
            assert told == []


@pytest.mark.parametrize(
    ("table", "row", "column", "value"),
    [
        ("T1", "CoOp", "-S", 47.99),
        ("T1", "CoCoOp", "-A", 50.63),
        ("T1", "VPT-deep", "-R", 74.42),
        ("T1", "UPT", "ImageNet", 72.63),
        ("T1", "VPT-shallow", "OOD Average", 58.27),
        ("T2", "CoOp", "FGVCAircraft", 38.04),
        ("T2", "VPT-shallow", "Flowers102", 81.40),
        ("T2", "VPT-deep", "EuroSAT", 91.53),
        ("T2", "Joint Training", "SUN397", 74.17),
        ("T2", "Shared", "EuroSAT", 73.36),
        ("T2", "MLP", "OxfordPets", 93.74),
        ("T2", "UPT (Ours)", "StanfordCars", 84.33),
        ("T2", "UPT (Ours)", "UCF101", 84.03),
        ("F4", "2", "over CoOp", 1.36),
        ("F4", "8", "over VPT-deep", 2.40),
        ("Sec1", "VPT over CoOp", "EuroSAT", 8.4),
        ("Sec3.3", "Joint Training", "Average", 78.70),
        ("AppB", "width of the joint space, ViT", "value", 512),
    ],
)
def test_a_number_stands_where_the_paper_prints_it(
    table: str, row: str, column: str, value: float
) -> None:
    assert PAPER.tables[table].rows[row][column] == value


@pytest.mark.parametrize(
    ("row", "column", "rival"),
    [("CoOp", "over CoOp", "3.20"), ("VPT-deep", "over VPT-deep", "2.05")],
)
def test_the_gains_of_the_text_differ_from_table_2_as_their_errata_say(
    row: str, column: str, rival: str
) -> None:
    rows = PAPER.tables["T2"].rows
    gain = float(rows["UPT (Ours)"]["Average"]) - float(rows[row]["Average"])
    assert f"{gain:.2f}" == rival
    assert PAPER.tables["F4"].rows["16"][column] != round(gain, 2)
    (told,) = [e.text for e in PAPER.tables["F4"].errors if e.column == column]
    assert rival in told


def test_the_gains_of_the_introduction_are_those_of_neither_vpt_in_table_2() -> None:
    rows = PAPER.tables["T2"].rows
    for column, sign in {"Flowers102": 1, "EuroSAT": -1}.items():
        (told,) = [e.text for e in PAPER.tables["Sec1"].errors if e.column == column]
        for rival in ("VPT-shallow", "VPT-deep"):
            gain = sign * (float(rows["CoOp"][column]) - float(rows[rival][column]))
            assert f"{gain:.2f}" in told


def test_upt_is_best_on_three_of_the_four_shifted_sets_as_the_erratum_says() -> None:
    rows = PAPER.tables["T1"].rows
    best = {max(rows, key=lambda row: float(rows[row][c])): c for c in ["-S"]}
    assert best == {"CoCoOp": "-S"}
    for column in (SOURCE, "-V2", "-A", "-R"):
        assert max(rows, key=lambda row: float(rows[row][column])) == "UPT"


def test_what_the_errata_of_table_2_say_of_shared_and_of_food101_holds() -> None:
    rows = PAPER.tables["T2"].rows
    worst = sorted(rows, key=lambda row: float(rows[row]["Average"]))[:2]
    assert worst == ["VPT-shallow", "Shared"]
    assert min(rows, key=lambda row: float(rows[row]["Food101"])) == "UPT (Ours)"


def test_coop_on_imagenet_differs_between_the_tables_and_each_names_the_other() -> None:
    values = {name: PAPER.tables[name].rows["CoOp"]["ImageNet"] for name in ("T1", "T2")}
    assert values == {"T1": 71.51, "T2": 71.36}
    for name, other in (("T1", values["T2"]), ("T2", values["T1"])):
        told = [
            e.text for e in PAPER.tables[name].errors if (e.row, e.column) == ("CoOp", "ImageNet")
        ]
        assert [str(other) in text for text in told] == [True]


def test_every_column_that_is_a_data_set_is_a_task_here() -> None:
    tasks = {PAPER.task_of(name, c) for name in PAPER.tables for c in PAPER.columns_of(name)} - {""}
    assert len(tasks) == 15
    assert tasks <= set(catalog.names())


@pytest.mark.slow
@pytest.mark.parametrize(("file", "table"), [("upt_shift.yaml", "T1"), ("upt_fewshot.yaml", "T2")])
def test_the_paper_profile_measures_every_value_as_the_paper_did(file: str, table: str) -> None:
    plan = load(SPACES / file, Supplied(), profile="paper")
    columns = {PAPER.task_of(table, column): column for column in PAPER.columns_of(table)}
    seen = set()
    for cell in plan.cells:
        for role in cell.roles:
            row, column = role.target_row or role.label, columns[cell.config["task"]]
            if row == "Zero-shot CLIP":  # what Figure 1 compares with; in neither table
                continue
            assert obstacles(PAPER, table, column, cell.config, row) == []
            seen.add((row, column))
    sets = [column for task, column in columns.items() if task]
    assert seen == {(row, column) for row in PAPER.tables[table].rows for column in sets}


@pytest.mark.slow
def test_a_row_is_not_compared_with_what_another_row_is() -> None:
    plan = load(SPACES / "upt_fewshot.yaml", Supplied(), profile="paper")
    cells = {role.label: cell for cell in plan.cells for role in cell.roles}
    shallow, joint = cells["VPT-shallow"].config, cells["Joint Training"].config
    column = next(c for c in PAPER.columns_of("T2") if PAPER.task_of("T2", c) == shallow["task"])
    found = obstacles(PAPER, "T2", column, shallow, "VPT-deep")
    assert found == ["other settings (depth)"]
    found = obstacles(PAPER, "T2", column, joint, "MLP")
    assert found == ["other settings (variant)"]
