import numpy as np
import pytest
from scipy.io import savemat

from sweeper.errors import InputError
from sweeper.tasks.dataset import Missing
from sweeper.tasks.deal import shuffled
from sweeper.tasks.sets import data_sets

from .released import named, paint, small, split_file

CARS = ("AM General Hummer SUV 2000", "Audi TT RS Coupe 2012")


@pytest.fixture
def place(tmp_path):
    """Images and MATLAB files as released: structs with 'fname' and 'class', from 1."""
    place = tmp_path / "stanford_cars"
    (place / "devkit").mkdir(parents=True)

    def annotate(path, folder, count):
        rows = []
        for number in range(1, count + 1):
            paint(place / folder / f"{number:05}.jpg")
            rows.append((f"{number:05}.jpg", number % 2 + 1))
        savemat(path, {"annotations": np.array(rows, dtype=[("fname", "O"), ("class", "O")])})

    annotate(place / "devkit" / "cars_train_annos.mat", "cars_train", 20)
    annotate(place / "cars_test_annos_withlabels.mat", "cars_test", 4)
    names = np.array([CARS], dtype=object)
    savemat(place / "devkit" / "cars_meta.mat", {"class_names": names})
    return place


def test_a_fifth_of_each_class_of_train_is_val_and_the_year_comes_first(place):
    found = small("stanford_cars", 2, generated=(16, 4, 4)).listing(place.parent)
    assert found.classes == ("2000 AM General Hummer SUV", "2012 Audi TT RS Coupe")
    splits = named(found, place)
    assert splits["test"] == {f"cars_test/{n:05}.jpg": n % 2 for n in range(1, 5)}
    held = shuffled([f"cars_train/{n:05}.jpg" for n in range(1, 21, 2)])[:2]
    assert {file for file, label in splits["val"].items() if label == 1} == set(held)


def test_the_published_split_needs_no_annotations(place):
    for path in (*place.glob("devkit/*.mat"), *place.glob("*.mat")):
        path.unlink()
    rows = [["cars_train/00001.jpg", 0, "2000 AM General"], ["cars_test/00001.jpg", 1, "2012 Audi"]]
    parts = {"train": rows, "val": rows[:1], "test": rows[1:]}
    split_file(place / "split_zhou_StanfordCars.json", parts)
    found = small("stanford_cars", 2, split_zhou=(2, 1, 1)).listing(place.parent)
    assert found.classes == ("2000 AM General", "2012 Audi")
    assert found.splits["train"].read(1).shape == (3, 6, 8)


def test_damaged_and_missing_annotations_are_said(place):
    (place / "devkit" / "cars_meta.mat").write_bytes(b"damaged " * 30)
    with pytest.raises(InputError, match="unreadable MATLAB file"):
        data_sets()["stanford_cars"].listing(place.parent)
    (place / "devkit" / "cars_meta.mat").unlink()
    with pytest.raises(Missing, match=r"devkit/cars_meta.mat is missing"):
        data_sets()["stanford_cars"].listing(place.parent)
