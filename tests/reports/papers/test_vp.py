"""The numbers of the visual prompting paper, as they are printed, and what is wrong in them."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from reports.published import Paper, published


@pytest.fixture(scope="module")
def vp() -> Paper:
    return published("vp/T1")[0]


def value(paper: Paper, table: str, row: str, column: str) -> Decimal:
    return Decimal(str(paper.tables[table].rows[row][column]))


@pytest.mark.parametrize(("table", "data_sets"), [("T1", 12), ("T2", 3), ("T4", 12), ("T5", 3)])
def test_every_printed_average_is_that_of_its_cells(vp: Paper, table: str, data_sets: int) -> None:
    for row, values in vp.tables[table].rows.items():
        cells = [Decimal(str(each)) for name, each in values.items() if name != "Average"]
        assert len(cells) == data_sets
        gap = value(vp, table, row, "Average") - sum(cells) / data_sets
        assert abs(gap) <= Decimal("0.05"), row  # half of the last digit


@pytest.mark.parametrize(
    ("table", "row", "column", "printed"),
    [
        ("T1", "TP", "SVHN", 5.1),
        ("T1", "TP", "UCF", 59.9),
        ("T1", "VP + TP", "Flowers", 70.3),
        ("T1", "VP + TP", "CLEVR", 81.4),
        ("T1", "LP", "SUN", 75.0),
        ("T1", "FT", "RESISC", 93.3),
        ("T2", "TP", "FMoW", 13.5),
        ("T2", "VP + TP", "Camelyon17", 89.8),
        ("T2", "LP", "iWILDCAM", 66.7),
        ("T2", "FT", "Average", 61.6),
        ("T3", "Instagram", "Architecture", "ResNext101-32x8d"),
        ("T3", "BiT-M", "Pre-trained Dataset", "14M ImageNet-21k"),
        ("T4", "Instagram / VP", "Food", 9.9),
        ("T4", "Instagram / LP", "Pets", 94.5),
        ("T4", "Instagram / FT", "CIFAR10", 77.8),
        ("T4", "BiT-M / VP", "CLEVR", 34.8),
        ("T4", "BiT-M / LP", "Flowers", 99.1),
        ("T4", "BiT-M / FT", "UCF", 81.3),
        ("T4", "RN50 / VP", "DTD", 8.2),
        ("T4", "RN50 / LP", "EuroSAT", 94.5),
        ("T4", "RN50 / FT", "SUN", 55.9),
        ("T5", "Instagram / VP", "Camelyon17", 87.1),
        ("T5", "BiT-M / FT", "FMoW", 49.8),
        ("T5", "RN50 / LP", "iWILDCAM", 62.7),
        ("T6", "Flowers102", "Validation Size", 1633),
        ("T6", "SVHN", "Validation Size", "-"),
        ("T6", "CLEVR/count", "Text Prompt", "This is a photo of { } objects"),
        ("T6", "Camelyon17", "Train Size", 302436),
        ("F4", "best data set", "Gain", 83.2),
        ("F7", "one pixel", "EuroSAT", 3),
        ("S5.1", "VP above LP", "CLEVR", 15.4),
        ("S5.2", "VP below FT", "Average", 3.5),
        ("S6.3", "swapped", "Dogs and cats", 62.5),
    ],
)
def test_a_number_stands_where_the_paper_prints_it(
    vp: Paper, table: str, row: str, column: str, printed: float | str
) -> None:
    assert vp.tables[table].rows[row][column] == printed


def test_every_table_is_whole(vp: Paper) -> None:
    cells = {name: sum(map(len, table.rows.values())) for name, table in vp.tables.items()}
    assert cells == {
        "T1": 4 * 13,
        "T2": 4 * 4,
        "T3": 4 * 4,
        "T4": 9 * 13,
        "T5": 9 * 4,
        "T6": 15 * 5,
        "F3": 12,
        "F4": 2,
        "F6": 2,
        "F7": 1,
        "F9": 4,
        "S5.1": 4,
        "S5.2": 4,
        "S6.3": 2,
    }


def test_the_means_of_figure_3_are_the_averages_of_the_tables(vp: Paper) -> None:
    names = {"VP": "VP + TP", "LP": "LP", "FT": "FT"}
    for row in vp.tables["F3"].rows:
        network, method = row.split(" / ")
        table, whole = ("T1", names[method]) if network == "CLIP" else ("T4", row)
        assert value(vp, "F3", row, "Average") == value(vp, table, whole, "Average")


def test_what_the_text_says_of_tables_1_and_2_follows_from_them(vp: Paper) -> None:
    for section, table in (("S5.1", "T1"), ("S5.2", "T2")):
        for row, values in vp.tables[section].rows.items():
            found = re.fullmatch(r"VP (above|below) (\w\w)", row)
            assert found
            sign = 1 if found[1] == "above" else -1
            for column in values:
                ours, other = (value(vp, table, name, column) for name in ("VP + TP", found[2]))
                assert sign * (ours - other) == value(vp, section, row, column)


def test_points_of_figure_9_are_those_of_the_tables(vp: Paper) -> None:
    of_a_table = {
        "ResNet-50": ("T4", "RN50 / VP"),
        "ResNeXt-101 32x8d": ("T4", "Instagram / VP"),
        "BiT-M ResNet-50": ("T4", "BiT-M / VP"),
        "CLIP ViT-B/32": ("T1", "VP + TP"),
    }
    for row, (table, name) in of_a_table.items():
        assert value(vp, "F9", row, "CIFAR100") == value(vp, table, name, "CIFAR100")
        assert vp.backbone_of("F9", row) == vp.backbone_of(table, name)


def test_what_is_called_wrong_is_wrong_by_the_paper_s_own_numbers(vp: Paper) -> None:
    gains = [
        value(vp, "T1", "VP + TP", column) - value(vp, "T1", "TP", column)
        for column in vp.columns_of("T1")
    ]
    assert max(gains) == Decimal("83.3") != value(vp, "F4", "best data set", "Gain")
    assert min(gains) == Decimal("-0.9")
    train, val = (value(vp, "T6", "SUN397", f"{split} Size") for split in ("Train", "Validation"))
    assert train + val == 19_858 != value(vp, "T6", "SUN397", "Test Size")
    twice = [value(vp, "T4", "Instagram / FT", name) for name in ("CIFAR100", "CIFAR10")]
    assert twice[0] == twice[1] < value(vp, "T4", "Instagram / LP", "CIFAR10")
    gaps = [
        value(vp, "T4", f"{network} / LP", "Average")
        - value(vp, "T4", f"{network} / VP", "Average")
        for network in ("Instagram", "BiT-M", "RN50")
    ]
    assert gaps == [Decimal("39.3"), Decimal("40.0"), Decimal("46.8")]


def test_each_error_is_about_a_number_that_is_there(vp: Paper) -> None:
    found = {
        (name, error.row, error.column)
        for name, table in vp.tables.items()
        for error in table.errors
        if not error.column or error.column in table.rows[error.row]
    }
    assert found == {
        ("T3", "Instagram", "Pre-trained Dataset"),
        ("T4", "Instagram / FT", "CIFAR10"),
        ("T4", "Instagram / VP", "Average"),
        ("T6", "SUN397", "Train Size"),
        ("F3", "CLIP / VP", ""),
        ("F4", "best data set", "Gain"),
        ("F4", "worst data set", "Gain"),
        ("F6", "best design", ""),
    }


def test_a_row_of_another_network_is_compared_on_that_network(vp: Paper) -> None:
    assert vp.backbone_of("T1", "FT") == "openclip/ViT-B-32-quickgelu@openai"
    for table in ("T4", "T5", "F3"):
        for row in vp.tables[table].rows:
            network = row.split(" / ")[0]
            assert vp.backbone_of(table, row) == vp.backbone_of("T3", network)
