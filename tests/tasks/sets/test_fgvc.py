"""The fine-grained sets, from their released metadata and from VPT's lists."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from sweeper.errors import InputError
from sweeper.tasks.dataset import Missing
from sweeper.tasks.files import cut
from sweeper.tasks.sets import data_sets

from .made import grey, labels_by_file, picture, tiny


@pytest.fixture
def birds(tmp_path: Path) -> Path:
    """CUB with 2 classes of 10 images, of which 3 are for testing."""
    home = tmp_path / "CUB_200_2011"
    kinds = {1: "001.Black_footed_Albatross", 2: "002.Laysan_Albatross"}
    lines: dict[str, list[str]] = {"images": [], "train_test_split": [], "image_class_labels": []}
    for number in range(20):
        kind = 1 + number % 2
        file = f"{kinds[kind]}/bird_{number}.png"
        picture(home / "images" / file, number)
        lines["images"].append(f"{number + 1} {file}")
        lines["train_test_split"].append(f"{number + 1} {int(number >= 6)}")
        lines["image_class_labels"].append(f"{number + 1} {kind}")
    lines["classes"] = [f"{kind} {name}" for kind, name in kinds.items()]
    for name, content in lines.items():
        (home / f"{name}.txt").write_text("\n".join(content) + "\n")
    return tmp_path


def vpt_lists(home: Path, **splits: dict[str, object]) -> None:
    for split, files in splits.items():
        (home / f"{split}.json").write_text(json.dumps(files))


def test_cub_is_read_from_its_lists_and_val_is_a_tenth_of_train(birds: Path) -> None:
    found = tiny("fgvc_cub", 2, generated=(12, 2, 6)).listing(birds)
    assert found.rule == "generated"
    assert found.classes == ("Black footed Albatross", "Laysan Albatross")
    given = labels_by_file(found)
    assert given["test"][:2] == [
        ("001.Black_footed_Albatross/bird_0.png", 0),
        ("002.Laysan_Albatross/bird_1.png", 1),
    ]
    train = [(f"{'002.Laysan' if n % 2 else '001.Black_footed'}_Albatross/bird_{n}.png", n % 2)
             for n in range(6, 20)]  # fmt: skip
    assert {split: given[split] for split in ("train", "val")} == cut(train, 0.1)
    assert grey(found, "test", 5) == 5


def test_vpt_s_lists_are_used_where_they_are_given(birds: Path) -> None:
    home = birds / "CUB_200_2011"
    first, second = (f"00{k}.{n}_Albatross" for k, n in ((1, "Black_footed"), (2, "Laysan")))
    files = {f"{first}/bird_8.png": 1, f"{second}/bird_9.png": 2}
    vpt_lists(home, train=files, val={f"{second}/bird_11.png": 2}, test=dict([*files.items()][:1]))
    declared = tiny("fgvc_cub", 2, vpt_json=(2, 1, 1))
    found = declared.listing(birds)
    assert found.rule == "vpt json"
    assert found.classes == ("Black footed Albatross", "Laysan Albatross")
    assert labels_by_file(found)["val"] == [(f"{second}/bird_11.png", 1)]
    assert grey(found, "val", 0) == 11
    vpt_lists(home, val={f"{second}/bird_13.png": 2})
    assert declared.listing(birds).identity != found.identity
    (home / "val.json").unlink()
    with pytest.raises(Missing, match=r"val\.json is missing"):
        declared.listing(birds)


def test_nabirds_counts_anew_the_leaves_that_are_used(tmp_path: Path) -> None:
    home = tmp_path / "nabirds"
    home.mkdir()
    kinds = [817, 295, 817, 1010] * 5
    (home / "images.txt").write_text(
        "".join(f"id-{n} {k:04}/{n}.jpg\n" for n, k in enumerate(kinds))
    )
    (home / "image_class_labels.txt").write_text(
        "".join(f"id-{n} {k}\n" for n, k in enumerate(kinds))
    )
    (home / "train_test_split.txt").write_text("".join(f"id-{n} {n % 2}\n" for n in range(20)))
    (home / "classes.txt").write_text(
        "0 Birds\n295 Common Eider (Adult male)\n817 Oak Titmouse\n1010 A-b (Adult)\n"
    )
    found = tiny("fgvc_nabirds", 3, generated=(9, 1, 10)).listing(tmp_path)
    assert found.classes == ("Common Eider (Adult male)", "Oak Titmouse", "A-b (Adult)")
    given = labels_by_file(found)
    assert set(given["test"]) == {(f"0817/{n}.jpg", 1) for n in range(0, 20, 2)}
    assert ("0295/1.jpg", 0) in given["train"] + given["val"]
    vpt_lists(home, train={"0817/0.jpg": 2, "0295/1.jpg": 1}, val={"1010/3.jpg": 3}, test={})
    numbered = tiny("fgvc_nabirds", 3, vpt_json=(2, 1, 0)).listing(tmp_path)
    assert numbered.classes == found.classes, "folders are numbers, names are the release's"
    assert numbered.splits["train"].labels == [1, 0]


def objects(*values: str) -> np.ndarray:
    return np.array(values, dtype=object).reshape(-1, 1)


def test_stanford_dogs_is_read_from_its_matlab_lists(tmp_path: Path) -> None:
    home = tmp_path / "stanford_dogs"
    home.mkdir()
    kinds = ("n02085620-Chihuahua", "n02085782-Japanese_spaniel", "n02099601-golden-doodle")
    for split, count in (("train", 4), ("test", 2)):
        files = [f"{kind}/{split}{n}.jpg" for kind in kinds for n in range(count)]
        labels = [[1 + number // count] for number in range(3 * count)]
        savemat(home / f"{split}_list.mat", {"file_list": objects(*files), "labels": labels})
    found = tiny("fgvc_dogs", 3, generated=(10, 2, 6)).listing(tmp_path)
    assert found.classes == ("Chihuahua", "Japanese spaniel", "golden-doodle")
    assert found.splits["test"].labels == [0, 0, 1, 1, 2, 2]
    assert found.splits["test"].name(3) == str(home / f"Images/{kinds[1]}/test1.jpg")


def test_stanford_cars_is_read_from_its_devkit(tmp_path: Path) -> None:
    home = tmp_path / "stanford_cars"
    (home / "devkit").mkdir(parents=True)
    names = ["AM General Hummer SUV 2000", "Ram C/V Cargo Van Minivan 2012"]
    savemat(home / "devkit/cars_meta.mat", {"class_names": objects(*names).T})
    kind = np.dtype([("bbox_x1", "O"), ("class", "O"), ("fname", "O")])
    for path, count in (("devkit/cars_train_annos", 4), ("cars_test_annos_withlabels", 3)):
        rows = [(1, 1 + number % 2, f"{number + 1:05}.jpg") for number in range(count)]
        savemat(home / f"{path}.mat", {"annotations": np.array([rows], dtype=kind)[0]})
    found = tiny("fgvc_cars", 2, generated=(3, 1, 3)).listing(tmp_path)
    assert found.classes == tuple(names)
    assert labels_by_file(found)["test"] == [
        ("cars_test/00001.jpg", 0), ("cars_test/00002.jpg", 1), ("cars_test/00003.jpg", 0),
    ]  # fmt: skip
    assert {name.split("/")[0] for name, _ in labels_by_file(found)["val"]} == {"cars_train"}


def test_oxford_flowers_keep_their_official_splits(tmp_path: Path) -> None:
    home = tmp_path / "flowers-102"
    home.mkdir()
    labels = [1 + number % 102 for number in range(306)]
    savemat(home / "imagelabels.mat", {"labels": [labels]})
    ids = {"trnid": range(1, 103), "valid": range(103, 205), "tstid": range(205, 307)}
    savemat(home / "setid.mat", {key: [list(numbers)] for key, numbers in ids.items()})
    found = tiny("fgvc_flowers", 102, official=(102, 102, 102)).listing(tmp_path)
    assert found.classes[0] == "pink primrose"
    assert found.splits["val"].labels == list(range(102))
    assert found.splits["val"].name(0) == str(home / "jpg/image_00103.jpg")


def test_a_wrong_count_says_expected_and_got(birds: Path) -> None:
    with pytest.raises(InputError) as caught:
        data_sets()["fgvc_cub"].listing(birds)
    said = "\n".join(map(str, caught.value.problems))
    assert "2 classes; expected 200" in said
    assert "6 images in test (generated); expected 5,794" in said


@pytest.mark.parametrize("name", [n for n in data_sets() if n.startswith("fgvc_c")])
def test_what_is_missing_is_named_with_its_place_and_source(name: str, tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"is missing: .*(unpacked|cars_train/)") as caught:
        data_sets()[name].listing(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_damaged_list_is_named(birds: Path) -> None:
    path = birds / "CUB_200_2011" / "image_class_labels.txt"
    path.write_text("1 one\n")
    with pytest.raises(InputError, match="image_class_labels"):
        data_sets()["fgvc_cub"].listing(birds)
    (birds / "stanford_cars/devkit").mkdir(parents=True)
    (birds / "stanford_cars/devkit/cars_meta.mat").write_bytes(b"not of this kind" * 20)
    with pytest.raises(InputError, match="cars_meta"):
        data_sets()["fgvc_cars"].listing(birds)
