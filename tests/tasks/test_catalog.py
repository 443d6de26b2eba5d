from dataclasses import replace
from pathlib import Path

import pytest

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError
from sweeper.tasks import catalog
from sweeper.tasks.drawn import DRAWN

from .test_folder import fill

SIZED = Preprocessing(48, (0.5,) * 3, (0.5,) * 3, "bicubic", "squash")


def test_every_built_in_task_can_be_described(monkeypatch, tmp_path):
    monkeypatch.setenv("SWEEPER_DATA", str(tmp_path))
    assert {"digits", "shapes", "cifar10", "cifar100", "sun397"} <= set(catalog.names())
    for name in catalog.names():
        info = catalog.describe(name, tmp_path)
        assert info.name == name
        assert info.data
        assert info.template.count("{}") == 1
        assert (info.available == "") == (name in DRAWN)


def test_a_drawn_task_comes_at_the_size_of_the_backbone():
    task = catalog.load("digits", SIZED)
    assert task.train.images.shape == (900, 3, 48, 48)
    assert task.info == catalog.describe("digits", Path())
    for split, size in task.info.sizes.items():
        assert len(getattr(task, split)) == size
        assert getattr(task, split).labels.max() < len(task.info.classes)


@pytest.mark.parametrize("name", ["./pets", "pets/", "../in/pets"])
def test_a_path_is_taken_relative_to_the_sweep_file(tmp_path, name):
    for label in ("cat", "dog"):
        fill(tmp_path / "in" / "pets" / label, 5)
    info = catalog.describe(name, tmp_path / "in")
    assert info.name == "pets"
    assert catalog.load(str(tmp_path / "in" / "pets"), SIZED).info == info
    assert catalog.load(name, SIZED, tmp_path / "in").info == info


def test_an_unknown_name_gets_the_nearest_one_or_the_path(tmp_path):
    with pytest.raises(InputError, match="Did you mean 'digits'"):
        catalog.describe("digit", tmp_path)
    (tmp_path / "pets").mkdir()
    with pytest.raises(InputError, match=r"write './pets'"):
        catalog.describe("pets", tmp_path)


def test_a_public_set_that_is_not_here_is_not_loaded(monkeypatch, tmp_path):
    monkeypatch.setenv("SWEEPER_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"cifar-100-python is missing: get it"):
        catalog.load("cifar100", SIZED)


def test_the_data_folder_is_where_the_user_says(monkeypatch, tmp_path):
    assert catalog.data_root() == Path.home() / ".cache" / "sweeper" / "data"
    monkeypatch.setenv("SWEEPER_DATA", str(tmp_path))
    assert catalog.data_root() == tmp_path


def test_a_public_set_that_lies_there_is_described_and_loaded(monkeypatch, tmp_path):
    monkeypatch.setenv("SWEEPER_DATA", str(tmp_path))
    place = tmp_path / "dtd" / "images"
    fill(place / "banded", 10)
    fill(place / "chequered", 10)
    tiny = replace(
        catalog.data_sets()["dtd"],
        classes=2,
        sizes={"generated": {"train": 10, "val": 4, "test": 6}},
    )
    monkeypatch.setattr(catalog, "data_sets", lambda: {"dtd": tiny})
    info = catalog.describe("dtd", tmp_path)
    assert (info.rule, info.licence, info.available) == ("generated", tiny.licence, "")
    assert info.sizes == {"train": 10, "val": 4, "test": 6}
    assert info.templates == {"coop": "{} texture."}
    task = catalog.load("dtd", SIZED)
    assert task.info == info
    assert task.val.images.shape == (4, 3, 48, 48)
    assert task.val.labels.tolist() == [0, 0, 1, 1]
