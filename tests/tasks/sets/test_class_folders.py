"""Caltech-101, DTD, EuroSAT, Food-101: both layouts, the names of CoOp, generated splits."""

import re

import pytest

from sweeper.errors import InputError
from sweeper.tasks.dataset import Missing
from sweeper.tasks.deal import shuffled
from sweeper.tasks.sets import data_sets

from .released import folders, named, paint, small, split_file

PLACES = [
    ("caltech101", "caltech-101/101_ObjectCategories"),
    ("caltech101", "caltech101/101_ObjectCategories"),
    ("dtd", "dtd/images"),
    ("dtd", "dtd/dtd/images"),
    ("eurosat", "eurosat/2750"),
    ("food101", "food-101/images"),
]
SPLIT_FILES = {
    "caltech101": "split_zhou_Caltech101.json",
    "dtd": "split_zhou_DescribableTextures.json",
    "eurosat": "split_zhou_EuroSAT.json",
    "food101": "split_zhou_Food101.json",
}


@pytest.mark.parametrize(("name", "place"), PLACES)
def test_without_a_split_file_each_class_is_cut_in_half_a_fifth_and_the_rest(tmp_path, name, place):
    images = tmp_path / place
    folders(images, ["pie", "apple_tart"], 11)
    found = small(name, 2, generated=(12, 4, 6)).listing(tmp_path)  # round(5.5) is 6
    assert found.rule == "generated"
    assert found.classes == ("apple tart", "pie")
    splits = named(found, images)
    for label, folder in enumerate(("apple_tart", "pie")):
        order = shuffled([f"{folder}/{number}.jpg" for number in range(11)])
        dealt = {"train": order[:6], "val": order[6:8], "test": order[8:]}
        for split, files in dealt.items():
            assert {f for f, own in splits[split].items() if own == label} == set(files)
    assert found.splits["train"].read(0).shape == (3, 6, 8)


@pytest.mark.parametrize(("name", "place"), PLACES)
def test_the_split_file_is_used_where_it_lies(tmp_path, name, place):
    images = tmp_path / place
    folders(images, ["pie", "apple_tart"], 4)
    rows = [["pie/0.jpg", 0, "cherry_pie"], ["apple_tart/3.jpg", 1, "tart"]]
    path = images.parent / SPLIT_FILES[name]
    split_file(path, {"train": rows, "val": rows[:1], "test": rows[1:]})
    found = small(name, 2, split_zhou=(2, 1, 1)).listing(tmp_path)
    assert re.fullmatch("split_zhou-[0-9a-f]{8}", found.identity)
    assert found.classes == ("cherry pie", "tart")
    assert named(found, images)["train"] == {"pie/0.jpg": 0, "apple_tart/3.jpg": 1}
    path.rename(tmp_path / path.name)
    assert small(name, 2, split_zhou=(2, 1, 1)).listing(tmp_path).identity == found.identity


def test_caltech_is_without_background_and_easy_faces_and_some_are_renamed(tmp_path):
    images = tmp_path / "caltech-101" / "101_ObjectCategories"
    odd = ["BACKGROUND_Google", "Faces_easy", ".cache"]
    folders(images, ["Faces", "Motorbikes", "Leopards", "airplanes", "car_side", *odd], 5)
    found = small("caltech101", 5, generated=(10, 5, 10)).listing(tmp_path)
    assert found.classes == ("face", "leopard", "motorbike", "airplane", "car side")
    labels = {
        file.split("/")[0]: label
        for split in named(found, images).values()
        for file, label in split.items()
    }
    assert labels == {"Faces": 0, "Leopards": 1, "Motorbikes": 2, "airplanes": 3, "car_side": 4}


def test_eurosat_has_the_names_that_coop_gave_it(tmp_path):
    folders(tmp_path / "eurosat" / "2750", ["AnnualCrop", "Forest", "SeaLake"], 5)
    found = small("eurosat", 3, generated=(6, 3, 6)).listing(tmp_path)
    assert found.classes == ("Annual Crop Land", "Forest", "Sea or Lake")


def test_a_split_and_its_identity_depend_on_names_alone(tmp_path):
    data = small("dtd", 2, generated=(10, 4, 6))
    for place in ("one/dtd/images", "other/dtd/dtd/images"):
        folders(tmp_path / place, ["banded", "chequered"], 10)
    one, other = (data.listing(tmp_path / each) for each in ("one", "other"))
    assert one.identity == other.identity
    assert named(one, tmp_path / "one/dtd/images") == named(
        other, tmp_path / "other/dtd/dtd/images"
    )
    (tmp_path / "one/dtd/images/banded/0.jpg").rename(tmp_path / "one/dtd/images/banded/new.jpg")
    assert data.listing(tmp_path / "one").identity != one.identity


def test_wrong_counts_are_all_said_with_what_was_expected(tmp_path):
    folders(tmp_path / "food-101" / "images", ["pie", "soup", "tart"], 10)
    paint(tmp_path / "food-101" / "images" / "pie" / "._0.jpg")  # of another system: no image
    with pytest.raises(InputError) as caught:
        data_sets()["food101"].listing(tmp_path)
    assert [(p.got, p.expected) for p in caught.value.problems] == [
        ("3 classes", "101"),
        ("15 images in train (generated)", "50,500"),
        ("6 images in val (generated)", "20,200"),
        ("9 images in test (generated)", "30,300"),
    ]


def test_a_missing_set_says_what_goes_where(tmp_path):
    with pytest.raises(Missing) as caught:
        data_sets()["dtd"].listing(tmp_path)
    for part in (str(tmp_path / "dtd/images"), "dtd/dtd/images", SPLIT_FILES["dtd"], "https://"):
        assert part in str(caught.value)
