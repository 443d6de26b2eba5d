"""The numbers of the PGN paper, against its own averages and against what its text says."""

import math

import pytest

from reports.published import published
from sweeper.tasks import catalog

PAPER, _ = published("pgn/T1")
TABLES = (
    *("T1", "T2", "T2params", "T3a", "T3b", "T3c", "T4", "T5", "T5params", "T6", "T6params"),
    *("T7", "T7prompt", "T8", "T9", "T10", "T11", "F2", "F4"),
)


def rows(table):
    return PAPER.tables[table].rows


def test_every_table_is_there():
    assert tuple(PAPER.tables) == TABLES


@pytest.mark.parametrize(("table", "count"), [("T5", 12), ("T6", 4)])
def test_printed_averages_are_those_of_the_cells(table, count):
    for label, row in rows(table).items():
        cells = [value for name, value in row.items() if PAPER.task_of(table, name)]
        assert len(cells) == count
        # 0.05 of rounding, reached where a mean ends in 5
        assert math.fsum(cells) / count == pytest.approx(row["Avg."], abs=0.0501), label


@pytest.mark.parametrize(("method", "change"), [("TP", -7.7), ("PGN", -3.7)])
def test_printed_differences_are_those_of_the_averages(method, change):
    joint, own = rows("T6")[f"{method} (J)"], rows("T6")[f"{method} (I)"]
    assert joint["Δ"] == change
    assert joint["Avg."] - own["Avg."] == pytest.approx(change, abs=1e-9)


@pytest.mark.parametrize(
    ("table", "row", "column", "value"),
    [
        ("T1", "ResNet10 supervised", "CIFAR100", 63.7),
        ("T1", "VP", "CIFAR100", 75.3),
        ("T2", "Direct / 8", "CIFAR100", 79.0),
        ("T2", "TL / 8", "SUN397", 70.6),
        ("T2params", "Direct / 8", "#parameters", 3.2),
        ("T3a", "1", "SUN397", 68.3),
        ("T3b", "16", "CIFAR100", 76.4),
        ("T3c", "MLP", "CIFAR100", 73.5),
        ("T3c", "ResNet18@224", "CIFAR100", 79.3),
        ("T4", "DINO / IIP", "SUN397", 2.6),
        ("T4", "DINO / PGN", "EuroSAT", 94.6),
        ("T4", "ViT sup. / IIP", "CIFAR100", 18.8),
        ("T4", "ViT sup. / PGN", "SUN397", 3.2),
        ("T5", "TP", "EuroSAT", 40.0),
        ("T5", "PGN", "Flowers", 94.0),
        ("T5", "PGN", "CLEVR", 95.1),
        ("T5", "LP", "CLEVR", 66.0),
        ("T5", "FT", "CIFAR10", 95.8),
        ("T5params", "FT", "Σ params", 1032),
        ("T5params", "TP", "Σ params", "-"),
        ("T6", "TP (J)", "EuroSAT", 4.4),
        ("T6", "PGN (J)", "RESISC", 85.7),
        ("T6params", "PGN (I)", "Σ params", 5),
        ("T7", "SVHN", "Train Size", 73257),
        ("T7", "SUN397", "Train Size", 15888),
        ("T7", "CLEVR/count", "Validation Size", "-"),
        ("T7prompt", "CLEVR/count", "Text Prompt", "This is a photo of { } objects"),
        ("T8", "Table 1", "Epochs", "1000*"),
        ("T8", "Figure 3", "PGN resolution", "64 x 64"),
        ("T9", "res4", "output sizes", "14^2 x 64"),
        ("T10", "GT", "PGN+CLIP", 70.1),
        ("T10", "PGN", "PGN+CLIP", 33.8),
        ("T11", "Linear", "SUN397", 70.5),
        ("F2", "PGN", "CLIP", 27.5),
        ("F4", "PGN and IIP", "highest tick", 46),
    ],
)
def test_a_number_stands_where_the_paper_prints_it(table, row, column, value):
    assert rows(table)[row][column] == value


def test_what_several_tables_print_is_the_same_in_each():
    assert rows("F2")["GT"].items() <= rows("T10")["GT"].items()
    for method in ("TP", "VP", "PGN"):
        assert rows("T1")[method]["CIFAR100"] == rows("T5")[method]["CIFAR100"]
    for method in ("TP", "PGN"):
        alone = rows("T6")[f"{method} (I)"]
        shared = {name: value for name, value in rows("T5")[method].items() if name in alone}
        assert shared | {"Avg.": alone["Avg."]} == alone


def test_the_claims_that_are_noted_as_wrong_are_wrong_by_these_numbers():
    ours, tuned = rows("T5")["PGN"], rows("T5")["FT"]
    above = [name for name in ours if PAPER.task_of("T5", name) and ours[name] > tuned[name]]
    assert above == ["CIFAR10", "Food", "EuroSAT", "SUN", "Pets", "CLEVR"]
    four = rows("T4")
    gains = {
        kind: four[f"{kind} / PGN"]["CIFAR100"] - four[f"{kind} / IIP"]["CIFAR100"]
        for kind in ("DINO", "ViT sup.")
    }
    assert gains == pytest.approx({"DINO": 39.8, "ViT sup.": 31.9})
    assert rows("T6")["TP (J)"]["RESISC"] > rows("T6")["TP (I)"]["RESISC"]
    assert rows("T2")["TL / 8"] == rows("T3c")["ResNet10@224"] != rows("T3c")["ResNet10@64"]
    trained = rows("T5params")
    assert trained["FT"]["Σ params"] / trained["PGN"]["Σ params"] == pytest.approx(83, abs=0.5)


def test_every_erratum_is_about_a_row_and_a_value_that_are_there():
    noted = [(name, each) for name, table in PAPER.tables.items() for each in table.errors]
    assert len(noted) >= 25
    for name, each in noted:
        assert each.row in rows(name), name
        assert not each.column or each.column in rows(name)[each.row], name
        assert each.text.endswith("."), name


def test_every_data_set_of_the_paper_is_one_that_is_known_here():
    named = {task for table in PAPER.tables.values() for task in table.columns.values()}
    named |= set(PAPER.columns.values())
    assert len(named - {""}) == 12
    assert named - {""} <= set(catalog.names())


def test_no_average_and_no_count_is_taken_for_a_task():
    assert PAPER.task_of("T5", "Avg.") == PAPER.task_of("T6", "Δ") == ""
    assert PAPER.task_of("T5", "SUN") == "sun397"
    assert PAPER.task_of("T6", "Pets") == "oxford_pets"
    assert PAPER.task_of("T4", "EuroSAT") == "eurosat"


def test_a_row_says_the_recipe_that_is_its_own():
    assert PAPER.tables["T5"].settings["VP"]["lr"] == 40.0
    assert PAPER.tables["T5"].settings["PGN"]["epochs"] == 1000
    assert PAPER.tables["T6"].settings["PGN (J)"]["epochs"] == 500
    assert PAPER.backbone_of("T4", "DINO / PGN") == "timm/vit_small_patch16_224.dino"
    assert PAPER.backbone_of("T1", "PGN") == "openclip/ViT-B-32-quickgelu@openai"
