"""SPT's published numbers: looked up in the paper by hand, and against each other."""

from statistics import mean

import pytest

from reports.published import published
from sweeper.tasks.sets import data_sets

PAPER, _ = published("spt/T1")
GROUPS = {
    "Natural (7)": slice(0, 7),
    "Specialized (4)": slice(7, 11),
    "Structured (8)": slice(11, 19),
}


def value(table, row, column):
    return PAPER.tables[table].rows[row][column]


def erred(table, row, column):
    """Whether the file says that this one value is wrong in the paper."""
    return any((each.row, each.column) == (row, column) for each in PAPER.tables[table].errors)


@pytest.mark.parametrize(
    ("table", "row", "column", "printed"),
    [
        ("T1kmeans", "K-means / 10%", "CUB-200-2011", "0.10d"),
        ("T1kmeans", "K-means / 100%", "CUB-200-2011", "27.30d"),
        ("T1", "Mean pooling / 70%", "CUB-200-2011", 29.19),
        ("T1", "Max pooling / 30%", "CUB-200-2011", 19.93),
        ("T1", "Random sample / 50%", "CUB-200-2011", 24.13),
        ("T2", "MAE / Full", "Mean Acc", 82.80),
        ("T2", "MAE / VPT-Deep", "Structured (8)", 26.57),
        ("T2", "MAE / GateVPT", "Stanford Cars", 71.70),
        ("T2", "MoCo-v3 / VPT-Shallow", "Oxford Flowers", 90.47),
        ("T2", "MoCo-v3 / SPT-Deep", "Specialized (4)", 84.95),
        ("T3", "MP", "Flowers", 99.6),
        ("T3", "SNF", "NABirds", 87.4),
        ("T3", "Linear", "Cars", 51.3),
        ("T3params", "MP", "Params (M)", 1.20),
        ("T3params", "E2VPT", "Params (M)", 0.56),
        ("T4a", "sup / Max pooling", "Caltech-101", 87.1),
        ("T4a", "MAE / Random init (VPT)", "CUB-200", 25.3),
        ("T4agains", "MAE / Random sample", "Caltech-101", 8.7),
        ("T4b", "MAE / Mean pooling", "CUB-200", 79.8),
        ("T4b", "sup / K-means", "Caltech-101", 92.7),
        ("S1", "KITTI/distance", "Test", 711),
        ("S1", "Stanford Cars", "Val", 815),
        ("S1vtab", "Structured (8)", "Train", "800 / 1000"),
        ("S2", "sup / Shallow / last PL", "CUB-200-2011", 88.4),
        ("S2", "MAE / Deep / first P0", "CUB-200-2011", 76.5),
        ("S2gains", "MAE / Shallow / last PL", "CUB-200-2011", 22.4),
        ("S3", "MAE / SPT-Shallow", "dSprites/ori", 48.0),
        ("S3", "MoCo-v3 / Full", "SmallNORB/ele", 36.9),
        ("S3", "sup / SPT-Deep", "DMLab", 54.2),
        ("S4", "LoRA", "Structured (8)", 59.77),
        ("S4", "Bias", "Nature (7)", 73.30),
        ("S4params", "SSF", "VTAB-1K (19)", 0.24),
        ("F3c", "20", "VPT-deep", 68.3),
        ("FS1c", "ViT-B", "SPT-deep", 90.6),
    ],
)
def test_a_number_stands_where_the_paper_prints_it(table, row, column, printed):
    assert value(table, row, column) == printed


def test_the_tables_have_all_the_cells_that_the_paper_prints():
    cells = {name: sum(map(len, each.rows.values())) for name, each in PAPER.tables.items()}
    assert cells == {
        "T1": 3 * 5,
        "T1kmeans": 5,
        "T2": 2 * 6 * 9,
        "T3": 12 * 6,
        "T3params": 12,
        "T4a": 5 * 4,
        "T4agains": 4 * 4,
        "T4b": 5 * 4,
        "T4bgains": 4 * 4,
        "S1": 24 * 4 - 19,  # VTAB-1k prints one number of training images a group
        "S1vtab": 3,
        "S2": 4 * 4,
        "S2gains": 3 * 4,
        "S3": 9 * 19,
        "S4": 12 * 4 - 1,  # LoRA has none on FGVC
        "S4params": 12 * 2 - 1,
        "F3c": 2,
        "FS1b": 2,
        "F3d": 2,
        "FS1c": 2,
        "text": 24,
    }


@pytest.mark.parametrize(("table", "within"), [("T2", 0.011), ("T3", 0.011)])
def test_the_mean_over_fgvc_is_that_of_the_five_values(table, within):
    fgvc = [name for name in PAPER.columns_of(table) if PAPER.task_of(table, name)]
    assert len(fgvc) == 5
    off = [
        row
        for row, values in PAPER.tables[table].rows.items()
        if abs(mean(float(values[name]) for name in fgvc) - values["Mean Acc"]) > within
    ]
    assert off == (["VPT-shallow"] if table == "T3" else [])
    assert all(erred(table, row, "Mean Acc") for row in off)


def test_the_means_of_vtab_groups_are_those_of_the_per_task_results():
    for row, values in PAPER.tables["S3"].rows.items():
        names = [float(values[name]) for name in PAPER.columns_of("S3")]
        for group, members in GROUPS.items():
            if row.startswith("sup / "):
                whole = value("S4", row.removeprefix("sup / "), group.replace("Natural", "Nature"))
            else:
                whole = value("T2", row, group)
            assert mean(names[members]) == pytest.approx(whole, abs=0.02), (row, group)


@pytest.mark.parametrize("table", ["T4a", "T4b", "S2"])
def test_each_gain_is_the_difference_to_the_random_start(table):
    wrong = []
    for row, values in PAPER.tables[f"{table}gains"].rows.items():
        first = "random" if table == "S2" else "Random init (VPT)"
        start = " / ".join([*row.split(" / ")[:-1], first])
        for column, gain in values.items():
            found = value(table, row, column) - value(table, start, column)
            if found != pytest.approx(gain, abs=0.01):
                wrong.append((row, column))
                assert erred(f"{table}gains", row, column)
    assert wrong == ([("MAE / K-means", "CUB-200")] if table == "T4a" else [])


def test_what_two_tables_print_of_the_same_runs_agrees():
    for row, values in PAPER.tables["T3"].rows.items():
        if row != "MP":
            assert value("S4", row, "Mean Acc") == values["Mean Acc"]
            assert value("S4params", row, "FGVC (5)") == value("T3params", row, "Params (M)")
    for start, deep in (("Random init (VPT)", "random"), ("Random sample", "SPT (self-prompt)")):
        for kind in ("sup", "MAE"):
            once = value("T4b", f"{kind} / {start}", "CUB-200")
            assert value("S2", f"{kind} / Deep / {deep}", "CUB-200-2011") == once
    assert value("T4b", "sup / Random init (VPT)", "CUB-200") == value("T3", "VPT-Deep", "CUB-200")
    for figure, kind in (("F3c", "MAE"), ("FS1b", "sup"), ("F3d", "MAE"), ("FS1c", "sup")):
        (point,) = PAPER.tables[figure].rows.values()
        assert point["SPT-deep"] == value("T4b", f"{kind} / Random sample", "CUB-200")
        assert point["VPT-deep"] == value("T4b", f"{kind} / Random init (VPT)", "CUB-200")


def test_the_parameters_of_prompts_are_their_sizes_with_the_heads():
    fgvc, vtab = 180_407, 38_045
    shallow, deep = 100 * 768, 12 * 20 * 768
    assert value("S4params", "SPT-Deep", "FGVC (5)") == round((deep + fgvc) / 1e6, 2)
    assert value("S4params", "SPT-Deep", "VTAB-1K (19)") == round((deep + vtab) / 1e6, 2)
    assert value("S4params", "SPT-Shallow", "VTAB-1K (19)") == round((shallow + vtab) / 1e6, 2)
    assert value("S4params", "SPT-Shallow", "FGVC (5)") != round((shallow + fgvc) / 1e6, 2)
    assert erred("S4params", "SPT-Shallow", "FGVC (5)")


def test_the_data_sets_are_as_large_as_ours():
    for row, values in PAPER.tables["S1"].rows.items():
        ours = data_sets()[str(PAPER.tables["S1"].settings[row]["task"])]
        assert ours.classes == values["Classes"], row
        for split in ("Train", "Val", "Test"):
            printed = values.get(split, 800)
            assert {sizes[split.lower()] for sizes in ours.sizes.values()} == {printed}, row


@pytest.mark.parametrize("table", sorted(PAPER.tables))
def test_a_column_is_one_of_our_tasks_or_none(table):
    tasks = {PAPER.task_of(table, column) for column in PAPER.columns_of(table)}
    assert tasks - {""} <= set(data_sets())


def test_every_row_on_other_weights_than_the_papers_own_says_so():
    for table in ("T3", "S4"):
        for row, settings in PAPER.tables[table].settings.items():
            if str(settings.get("backbone", "")).endswith("orig_in21k"):
                texts = [each.text for each in PAPER.tables[table].errors if each.row == row]
                assert any("original ImageNet-21k weights" in text for text in texts), row
    assert PAPER.backbone_of("T3", "SPT-Deep").endswith("augreg_in21k")
    assert PAPER.backbone_of("T2", "MAE / SPT-Deep") == "timm/vit_base_patch16_224.mae"
    assert PAPER.backbone_of("F3c", "20") == "timm/vit_base_patch16_224.mae"


def test_an_erratum_is_about_a_value_that_is_printed():
    for name, table in PAPER.tables.items():
        for each in table.errors:
            assert each.row in table.rows, name
            assert not each.column or each.column in table.rows[each.row], (name, each.row)
