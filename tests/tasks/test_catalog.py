from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError
from sweeper.tasks import catalog, collection, npz
from sweeper.tasks.dataset import DataSet, Missing
from sweeper.tasks.drawn import DRAWN

from .test_folder import fill

SIZED = Preprocessing(48, (0.5,) * 3, (0.5,) * 3, "bicubic", "squash")


@pytest.fixture
def squares(monkeypatch):
    """A public set: `squares.npz` under the data folder, or nothing."""

    def read(root):
        if not (root / "squares.npz").exists():
            raise Missing(f"{root}/squares.npz is missing: draw it")
        found = collection.listing(npz.collection(root / "squares.npz"))
        return replace(found, rule="official", notes=("squares are round",), test_classes=(0,))

    sizes = {"official": {"train": 6, "val": 2, "test": 2}}
    known = DataSet(
        "squares", "squares", 2, sizes, "{}.", "CC0", "by hand", read, templates={"coop": "a {}"}
    )
    monkeypatch.setattr(catalog, "data_sets", lambda: {"squares": known})
    return known


@pytest.mark.usefixtures("squares")
def test_every_built_in_task_can_be_described(monkeypatch, tmp_path):
    monkeypatch.setenv("SWEEPER_DATA", str(tmp_path))
    assert {"digits", "shapes", "squares"} <= set(catalog.names())
    for name in catalog.names():
        info = catalog.describe(name, tmp_path)
        assert info.name == name
        assert info.data
        assert info.template.count("{}") == 1
        assert (info.available == "") == (name in DRAWN)


def test_a_public_set_is_what_it_declares_and_what_is_found(squares, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("SWEEPER_DATA", str(tmp_path))
    absent = catalog.describe("squares", tmp_path)
    assert (absent.classes, absent.sizes) == ((), squares.sizes["official"])
    arrays = {}
    for split, count in squares.sizes["official"].items():
        arrays[f"x_{split}"] = np.arange(count * 48, dtype=np.uint8).reshape(count, 4, 4, 3)
        arrays[f"y_{split}"] = np.arange(count) % 2
    np.savez(tmp_path / "squares.npz", **arrays)
    info = catalog.describe("squares", tmp_path)
    assert (info.classes, info.sizes, info.available) == (("0", "1"), absent.sizes, "")
    assert (info.licence, info.source, info.rule) == ("CC0", "by hand", "official")
    assert (info.template, info.templates, info.test_classes) == ("{}.", {"coop": "a {}"}, (0,))
    assert capsys.readouterr().err == "squares are round\n"
    task = catalog.load("squares", replace(SIZED, size=4))
    assert task.info == info != absent
    assert torch.equal(task.val.images.permute(0, 2, 3, 1), torch.from_numpy(arrays["x_val"]))


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


@pytest.mark.usefixtures("squares")
def test_a_public_set_that_is_not_here_is_not_loaded(monkeypatch, tmp_path):
    monkeypatch.setenv("SWEEPER_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"squares.npz is missing: draw it"):
        catalog.load("squares", SIZED)
    with pytest.raises(InputError, match=r"squares.npz is missing: draw it"):
        catalog.load("squares+digits", SIZED)


def test_a_file_of_no_known_kind_is_refused(tmp_path):
    (tmp_path / "pets.csv").write_text("")
    with pytest.raises(InputError, match=r"pets.csv: a file '.csv'; expected a folder of images"):
        catalog.describe("./pets.csv", tmp_path)
    with pytest.raises(InputError, match="no such folder or file"):
        catalog.describe("./pets.parquet", tmp_path)
    (tmp_path / "pets.parquet").write_text("")
    with pytest.raises(InputError, match=r"write './pets.parquet'"):
        catalog.describe("pets.parquet", tmp_path)


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
