import json

import pytest

from sweeper.errors import InputError
from sweeper.tasks.dataset import Missing
from sweeper.tasks.sets import data_sets

from .released import named, paint, small

COUNTS = {"train": [3, 10] * 10, "val": [4, 10, 3]}


def scenes(root, counts):
    """`CLEVR_v1.0` as released: images, and a JSON file with the objects of each scene."""
    place = root / "clevr" / "CLEVR_v1.0"
    (place / "scenes").mkdir(parents=True)
    for split, objects in counts.items():
        told = []
        for number, count in enumerate(objects):
            name = f"CLEVR_{split}_{number:06}.png"
            paint(place / "images" / split / name)
            told.append({"image_filename": name, "objects": [{"color": "red"}] * count})
        path = place / "scenes" / f"CLEVR_{split}_scenes.json"
        path.write_text(json.dumps({"info": {}, "scenes": told}))
    return place


def test_the_label_is_the_number_of_objects_from_three_on(tmp_path):
    place = scenes(tmp_path, COUNTS)
    found = small("clevr_count", 8, generated=(18, 2, 3)).listing(tmp_path)
    assert found.classes == ("three", "four", "five", "six", "seven", "eight", "nine", "ten")
    splits = named(found, place / "images")
    assert splits["test"] == {
        "val/CLEVR_val_000000.png": 1,
        "val/CLEVR_val_000001.png": 7,
        "val/CLEVR_val_000002.png": 0,
    }
    assert sorted(splits["val"].values()) == [0, 7]
    both = splits["train"] | splits["val"]
    assert both == {f"train/CLEVR_train_{n:06}.png": (0, 7)[n % 2] for n in range(20)}


def test_a_scene_that_the_task_does_not_know_is_refused(tmp_path):
    scenes(tmp_path, {"train": [3, 2], "val": [11]})
    with pytest.raises(InputError, match=r"CLEVR_train_000001.png: label -1; expected 0 to 7"):
        data_sets()["clevr_count"].listing(tmp_path)


def test_a_file_of_scenes_that_is_cut_short_is_named(tmp_path):
    place = scenes(tmp_path, COUNTS)
    path = place / "scenes" / "CLEVR_val_scenes.json"
    path.write_text(path.read_text()[:-20])
    with pytest.raises(InputError, match=r"CLEVR_val_scenes.json: JSONDecodeError"):
        data_sets()["clevr_count"].listing(tmp_path)
    path.write_text(json.dumps({"scenes": []}))
    with pytest.raises(InputError, match="a scene for each image"):
        data_sets()["clevr_count"].listing(tmp_path)
    path.unlink()
    with pytest.raises(Missing, match=r"CLEVR_val_scenes.json is missing"):
        data_sets()["clevr_count"].listing(tmp_path)
