import pytest
from pydantic import ValidationError

from reports.published import FOLDER, Paper, obstacles, published
from sweeper.errors import InputError

OURS = {
    "backbone": "openclip/ViT-B-32-quickgelu@openai",
    "task": "cifar100",
    "epochs": 500,
    "batch_size": 128,
    "optimizer": "sgd",
    "lr": 0.1,
    "momentum": 0.9,
    "warmup_epochs": 50,
    "schedule": "cosine",
}


def test_every_paper_is_read_and_every_table_has_values_in_percent():
    files = list(FOLDER.rglob("*.yaml"))
    assert files
    for file in files:
        paper, _ = published(f"{file.stem}/T1")
        for name, table in paper.tables.items():
            values = [value for row in table.rows.values() for value in row.values()]
            assert len(values) >= 2, name
            assert all(1 < value < 100 for value in values)


@pytest.mark.parametrize(
    ("target", "row", "column", "value"),
    [
        ("pgn/T1", "TP", "CIFAR100", 63.1),
        ("pgn/T1", "IIP", "CIFAR100", 73.5),
        ("pgn/T1", "PGN", "CIFAR100", 79.3),
        ("pgn/T2", "Direct", "SUN397", 70.8),
        ("pgn/T3a", "64", "SUN397", 68.9),
        ("pgn/T3b", "1024", "CIFAR100", 78.6),
        ("pgn/T3c", "ResNet18@224", "SUN397", 69.6),
        ("pgn/T11", "MLP", "CIFAR100", 78.2),
    ],
)
def test_a_number_stands_where_the_paper_prints_it(target, row, column, value):
    paper, name = published(target)
    assert paper.tables[name].rows[row][column] == value


def test_the_default_row_is_the_same_in_every_ablation():
    paper, _ = published("pgn/T3a")
    rows = [("T3a", "8"), ("T3b", "64"), ("T3c", "ResNet10@64")]
    assert {tuple(paper.tables[table].rows[row].values()) for table, row in rows} == {(77.9, 70.6)}


@pytest.mark.parametrize("target", ["pgn/T3d", "png/T3a", "pgn"])
def test_an_unknown_target_is_named(target):
    with pytest.raises(InputError, match=f"'{target}'"):
        published(target)


def test_only_the_same_backbone_data_and_recipe_may_be_compared():
    paper, _ = published("pgn/T3a")
    assert obstacles(paper, "T3a", "CIFAR100", OURS) == []
    assert obstacles(paper, "T3a", "SUN397", OURS) == ["other data"]
    shorter = OURS | {"epochs": 20, "backbone": "embedded"}
    assert obstacles(paper, "T3a", "CIFAR100", shorter) == [
        "another backbone",
        "other settings (epochs)",
    ]


def test_a_value_in_an_unknown_column_is_refused():
    paper, _ = published("pgn/T3a")
    data = paper.model_dump()
    data["tables"]["T1"]["rows"]["TP"] = {"CIFAR1000": 1.0}
    with pytest.raises(ValidationError, match="unknown column"):
        Paper.model_validate(data)


def test_a_method_that_trains_nothing_has_no_recipe_to_differ_in():
    paper, _ = published("pgn/T1")
    assert obstacles(paper, "T1", "CIFAR100", OURS | {"epochs": 0, "schedule": "constant"}) == []
