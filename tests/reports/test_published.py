import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from reports.published import FOLDER, Paper, in_one, obstacles, published
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


def test_every_paper_is_read_and_its_values_are_what_their_units_say():
    files = list(FOLDER.rglob("*.yaml"))
    assert [file.stem for file in files]
    for file in files:
        paper = Paper.model_validate(YAML(typ="safe", pure=True).load(file.read_text("utf-8")))
        assert paper.paper == file.stem
        for name, table in paper.tables.items():
            values = [value for row in table.rows.values() for value in row.values()]
            numbers = [value for value in values if not isinstance(value, str)]
            assert values, name
            if table.unit in ("percent", "points", "millions", "nmi"):  # a dash: nothing there
                told = {value for value in values if isinstance(value, str)}
                assert told <= {"-", "\u2013"}, name
                assert numbers, name
            if table.unit == "percent":  # and no fraction; differences may be negative
                assert max(map(abs, numbers)) <= 100, name
                assert max(map(abs, numbers)) > 1, name


@pytest.mark.parametrize(
    ("target", "row", "column", "value"),
    [
        ("pgn/T1", "TP", "CIFAR100", 63.1),
        ("pgn/T1", "IIP", "CIFAR100", 73.5),
        ("pgn/T1", "PGN", "CIFAR100", 79.3),
        ("pgn/T2", "Direct / 8", "SUN397", 70.8),
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


def test_what_a_paper_states_of_the_protocol_is_compared_defaults_included():
    paper, _ = published("pgn/T3a")
    stated = {"selection": "last", "normalisation": "clip", "augmentation": "none", "shots": 16}
    table = paper.tables["T3a"]
    table = table.model_copy(update={"protocol": {**table.protocol, **stated}})
    told = paper.model_copy(update={"tables": {"T3a": table}})
    ours = OURS | {"selection": "last", "normalisation": "clip", "shots": 16}
    assert obstacles(told, "T3a", "CIFAR100", ours) == []
    assert obstacles(told, "T3a", "CIFAR100", OURS) == ["other settings (shots, normalisation)"]
    other = ours | {"selection": "best_test", "augmentation": "flip"}
    assert obstacles(told, "T3a", "CIFAR100", other) == ["other settings (selection, augmentation)"]


@pytest.mark.parametrize("less", [{"shots": 16}, {"data_fraction": 0.5}])
def test_a_share_of_the_images_is_not_what_a_paper_trained_on_unless_it_says_so(less):
    paper, _ = published("pgn/T3a")
    (name,) = less
    assert obstacles(paper, "T3a", "CIFAR100", OURS | less) == [f"other settings ({name})"]


def test_a_method_that_trains_nothing_is_read_under_the_stated_preprocessing():
    paper, _ = published("pgn/T1")
    table = paper.tables["T1"]
    table = table.model_copy(update={"protocol": {**table.protocol, "normalisation": "clip"}})
    told = paper.model_copy(update={"tables": {"T1": table}})
    untrained = OURS | {"epochs": 0, "schedule": "constant"}
    found = obstacles(told, "T1", "CIFAR100", untrained)
    assert found == ["other settings (normalisation)"]
    assert obstacles(told, "T1", "CIFAR100", untrained | {"normalisation": "clip"}) == []


def test_a_value_in_an_unknown_column_is_refused():
    paper, _ = published("pgn/T3a")
    data = paper.model_dump()
    data["tables"]["T1"]["rows"]["TP"] = {"CIFAR1000": 1.0}
    with pytest.raises(ValidationError, match="unknown column"):
        Paper.model_validate(data)


def test_a_method_that_trains_nothing_has_no_recipe_to_differ_in():
    paper, _ = published("pgn/T1")
    assert obstacles(paper, "T1", "CIFAR100", OURS | {"epochs": 0, "schedule": "constant"}) == []


def test_obstacles_of_several_cells_are_told_in_one_line():
    told = ["other data", "other settings (lr, epochs)", "other data", "other settings (lr, size)"]
    assert in_one(told) == "other data; other settings (lr, epochs, size)"
    assert in_one([]) == ""
