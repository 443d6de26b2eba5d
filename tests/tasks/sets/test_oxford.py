"""Flowers102, Oxford-IIIT Pet and FGVC-Aircraft, in CoOp's folders and in torchvision's."""

import json

import numpy as np
import pytest
from scipy.io import savemat
from torchvision.datasets import Flowers102

from sweeper.errors import InputError
from sweeper.tasks.dataset import Missing
from sweeper.tasks.deal import shuffled
from sweeper.tasks.sets import data_sets

from .released import named, paint, small, split_file, write

LABELS = [2, 1] * 10  # of the images in their order, from 1


def flowers(root, folder):
    """102flowers.tgz and imagelabels.mat: labels from 1, in the order of the numbers of images."""
    for number in range(1, len(LABELS) + 1):
        paint(root / folder / "jpg" / f"image_{number:05}.jpg", number)
    savemat(root / folder / "imagelabels.mat", {"labels": np.array([LABELS], dtype=np.uint8)})
    names = {"2": "sea_holly", "1": "rose"}
    (root / folder / "cat_to_name.json").write_text(json.dumps(names))
    return root / folder


@pytest.mark.parametrize("folder", ["oxford_flowers", "flowers-102"])
def test_flowers_are_labelled_by_the_released_list_and_cut_class_by_class(tmp_path, folder):
    place = flowers(tmp_path, folder)
    found = small("flowers102", 2, generated=(10, 4, 6)).listing(tmp_path)
    assert found.classes == ("rose", "sea_holly")
    splits = named(found, place / "jpg")
    for label in (0, 1):
        files = [f"image_{n:05}.jpg" for n, own in enumerate(LABELS, 1) if own == label + 1]
        order = shuffled(files)
        dealt = {"train": order[:5], "val": order[5:7], "test": order[7:]}
        for split, expected in dealt.items():
            assert {f for f, own in splits[split].items() if own == label} == set(expected)


def test_a_sum_is_declared_where_only_that_is_known(tmp_path):
    flowers(tmp_path, "flowers-102")
    with pytest.raises(InputError) as caught:
        data_sets()["flowers102"].listing(tmp_path)
    assert caught.value.problems[1].got == "20 images in train+val+test (generated)"
    assert caught.value.problems[1].expected == "8,189"


def test_flowers_without_a_list_of_names_have_those_of_torchvision(tmp_path):
    place = flowers(tmp_path, "flowers-102")
    (place / "cat_to_name.json").unlink()
    found = small("flowers102", 102, generated=(10, 4, 6)).listing(tmp_path)
    assert found.classes == tuple(Flowers102.classes)


def test_the_published_split_of_flowers_is_used_where_it_lies(tmp_path):
    place = flowers(tmp_path, "oxford_flowers")
    rows = [["image_00004.jpg", 0, "rose"], ["image_00001.jpg", 1, "holly"]]
    parts = {"train": rows, "val": rows[:1], "test": rows[1:]}
    split_file(place / "split_zhou_OxfordFlowers.json", parts)
    found = small("flowers102", 2, split_zhou=(2, 1, 1)).listing(tmp_path)
    assert found.classes == ("rose", "holly")
    assert found.splits["test"].read(0).float().mean().round() == 1


def test_damaged_files_of_flowers_are_named(tmp_path):
    place = flowers(tmp_path, "oxford_flowers")
    (place / "cat_to_name.json").write_text('{"1": "rose", "3": "lily"}')
    with pytest.raises(InputError, match=r"cat_to_name.json: KeyError: 2"):
        data_sets()["flowers102"].listing(tmp_path)
    (place / "imagelabels.mat").write_bytes((place / "imagelabels.mat").read_bytes()[:150])
    with pytest.raises(InputError, match=r"imagelabels.mat: an unreadable"):
        data_sets()["flowers102"].listing(tmp_path)
    (place / "imagelabels.mat").unlink()
    with pytest.raises(Missing, match=r"imagelabels.mat is missing"):
        data_sets()["flowers102"].listing(tmp_path)


def pets(root, folder):
    """images.tar.gz and annotations.tar.gz: name, class from 1, species, breed of the species."""
    place = root / folder
    for name, first, last in (("trainval", 0, 10), ("test", 10, 14)):
        lines = []
        for number in range(first, last):
            for label, breed in enumerate(("Abyssinian", "american_bulldog"), 1):
                paint(place / "images" / f"{breed}_{number}.jpg")
                lines.append(f"{breed}_{number} {label} {label} 1")
        write(place / "annotations" / f"{name}.txt", *lines)
    return place


@pytest.mark.parametrize("folder", ["oxford_pets", "oxford-iiit-pet"])
def test_pets_keep_their_test_split_and_give_a_fifth_of_each_breed_to_val(tmp_path, folder):
    place = pets(tmp_path, folder)
    found = small("oxford_pets", 2, generated=(16, 4, 8)).listing(tmp_path)
    assert found.classes == ("abyssinian", "american bulldog")
    splits = named(found, place / "images")
    assert {file for file, label in splits["test"].items() if label == 1} == {
        f"american_bulldog_{number}.jpg" for number in range(10, 14)
    }
    held = shuffled([f"Abyssinian_{number}.jpg" for number in range(10)])[:2]
    assert {file for file, label in splits["val"].items() if label == 0} == set(held)
    assert not set(splits["train"]) & (set(splits["val"]) | set(splits["test"]))


def test_pets_are_told_apart_as_cats_and_dogs_by_the_first_letter_of_their_files(tmp_path):
    place = pets(tmp_path, "oxford-iiit-pet")
    found = small("oxford_species", 2, generated=(16, 4, 8)).listing(tmp_path)
    breeds = small("oxford_pets", 2, generated=(16, 4, 8)).listing(tmp_path)
    assert found.classes == ("cat", "dog")
    splits = named(found, place / "images")
    for split, files in splits.items():
        assert {*files} == {*named(breeds, place / "images")[split]}
        assert files == {file: int(file.startswith("american")) for file in files}
    assert found.identity == f"species-{breeds.identity}"
    rows = [["Sphynx_1.jpg", 1, "sphynx"], ["pug_2.jpg", 0, "pug"]]
    for name in ("Sphynx_1.jpg", "pug_2.jpg"):
        (place / "images" / name).write_bytes((place / "images" / "Abyssinian_1.jpg").read_bytes())
    split_file(place / "split_zhou_OxfordPets.json", dict.fromkeys(("train", "val", "test"), rows))
    given = small("oxford_species", 2, split_zhou=(2, 2, 2)).listing(tmp_path)
    assert named(given, place / "images")["test"] == {"Sphynx_1.jpg": 0, "pug_2.jpg": 1}


def test_lines_of_another_form_are_named(tmp_path):
    place = pets(tmp_path, "oxford_pets")
    write(place / "annotations" / "test.txt", "Abyssinian_10 1 1 1", "", "Abyssinian_11 x 1 1", "a")
    with pytest.raises(InputError) as caught:
        data_sets()["oxford_pets"].listing(tmp_path)
    assert [problem.where for problem in caught.value.problems] == [
        f"{place / 'annotations' / 'test.txt'}:{line}" for line in (3, 4)
    ]


def test_the_folder_that_has_all_it_needs_is_taken(tmp_path):
    (tmp_path / "oxford_pets").mkdir()
    pets(tmp_path, "oxford-iiit-pet")
    assert small("oxford_pets", 2, generated=(16, 4, 8)).listing(tmp_path).rule == "generated"
    (tmp_path / "oxford-iiit-pet" / "annotations" / "test.txt").unlink()
    with pytest.raises(Missing, match=r"annotations/test.txt is missing: get it from https"):
        data_sets()["oxford_pets"].listing(tmp_path)


def aircraft(place):
    """`data` of fgvc-aircraft-2013b: variants, and an image with its variant on each line."""
    write(place / "variants.txt", "707-320", "Cessna 172")
    for first, split in enumerate(("train", "val", "test")):
        lines = []
        for number, variant in enumerate(("Cessna 172", "707-320")):
            paint(place / "images" / f"00{first}{number}.jpg")
            lines.append(f"00{first}{number} {variant}")
        write(place / f"images_variant_{split}.txt", *lines)
    return place


@pytest.mark.parametrize("folder", ["fgvc_aircraft", "fgvc-aircraft-2013b/data"])
def test_aircraft_have_the_official_splits_by_variant(tmp_path, folder):
    place = aircraft(tmp_path / folder)
    found = small("fgvc_aircraft", 2, official=(2, 2, 2)).listing(tmp_path)
    assert (found.rule, found.identity[:9]) == ("official", "official-")
    assert found.classes == ("707-320", "Cessna 172")
    splits = named(found, place / "images")
    assert splits["val"] == {"0010.jpg": 1, "0011.jpg": 0}
    write(place / "images_variant_val.txt", "0010 Boeing")
    with pytest.raises(InputError, match=r"images_variant_val.txt:1: '0010 Boeing'"):
        data_sets()["fgvc_aircraft"].listing(tmp_path)
