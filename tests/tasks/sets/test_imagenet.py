"""ImageNet in its layouts, and the sets that test what was trained on it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from sweeper.errors import InputError
from sweeper.tasks.dataset import Missing
from sweeper.tasks.sets import data_sets

from .made import grey, labels_by_file, picture, tiny

WNIDS = ("n01440764", "n01443537", "n01484850")
TINY = {"generated": (6, 30, 6)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """ImageNet of 3 classes: 12 training images of each, 2 of val."""
    home = tmp_path / "imagenet"
    for label, wnid in enumerate(WNIDS):
        for number in range(12):
            touch(home / "train" / wnid / f"{wnid}_{number}.JPEG")
        for number in range(2):
            picture(home / "val" / wnid / f"val_{number}.JPEG", 100 * label + number)
    names = ("goldfish", "tench", "great white shark")
    lines = [f"{wnid} {name}" for wnid, name in zip(WNIDS, names, strict=True)]
    (home / "classnames.txt").write_text("\n".join(reversed(lines)) + "\n")
    return tmp_path


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def test_val_is_ten_training_images_of_each_class_and_test_the_official_val(root: Path) -> None:
    touch(root / "imagenet" / "train" / WNIDS[0] / "README.txt")
    found = tiny("imagenet", 3, **TINY).listing(root)
    assert found.classes == ("goldfish", "tench", "great white shark")
    assert Counter(found.splits["train"].labels) == {0: 2, 1: 2, 2: 2}
    given = labels_by_file(found)
    assert not set(given["train"]) & set(given["val"])
    assert found.splits["test"].labels == [0, 0, 1, 1, 2, 2]
    assert grey(found, "test", 5) == 201
    assert found.test_classes == ()


@pytest.fixture
def flat(root: Path) -> Path:
    """The same with the six images of val in one folder."""
    val = root / "imagenet" / "val"
    for folder in [*val.iterdir()]:
        for image in [*folder.iterdir()]:
            label = WNIDS.index(folder.name)
            image.rename(val / f"ILSVRC2012_val_{3 * int(image.stem[-1]) + label}.JPEG")
        folder.rmdir()
    return root


def test_a_flat_val_is_read_with_a_list_of_labels(flat: Path) -> None:
    lines = [f"ILSVRC2012_val_{number}.JPEG {number % 3}\n" for number in range(6)]
    (flat / "imagenet" / "val.txt").write_text("".join(lines))
    found = tiny("imagenet", 3, **TINY).listing(flat)
    assert found.splits["test"].labels == [0, 1, 2, 0, 1, 2]
    assert grey(found, "test", 4) == 101


def test_a_flat_val_is_read_with_the_development_kit(flat: Path) -> None:
    with pytest.raises(Missing, match="validation_ground_truth"):
        tiny("imagenet", 3, **TINY).listing(flat)
    kit = flat / "imagenet" / "ILSVRC2012_devkit_t12" / "data"
    kit.mkdir(parents=True)
    kind = np.dtype([("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O")])
    numbers = {WNIDS[0]: 7, WNIDS[1]: 2, WNIDS[2]: 5, "n00001740": 1}
    synsets = [(number, wnid, "w") for wnid, number in numbers.items()]
    savemat(kit / "meta.mat", {"synsets": np.array(synsets, dtype=kind)})
    truth = kit / "ILSVRC2012_validation_ground_truth.txt"
    truth.write_text("7\n2\n5\n7\n2\n5\n")
    found = tiny("imagenet", 3, **TINY).listing(flat)
    assert found.splits["test"].labels == [0, 1, 2, 0, 1, 2]
    truth.write_text("7\n2\n")
    with pytest.raises(InputError, match="ground_truth"):
        tiny("imagenet", 3, **TINY).listing(flat)


def test_without_coop_s_names_torchvision_names_a_whole_imagenet(tmp_path: Path) -> None:
    for number in range(1000):
        touch(tmp_path / "imagenet" / "train" / f"n{number:08}" / "a.JPEG")
        touch(tmp_path / "imagenet" / "val" / f"n{number:08}" / "a.JPEG")
    found = tiny("imagenet", 1000, generated=(1000, 0, 1000)).listing(tmp_path)
    assert (found.classes[0], found.classes[999]) == ("tench", "toilet tissue")
    assert len(set(found.classes)) == 1000


@pytest.mark.parametrize(
    ("name", "folder", "kinds", "among"),
    [
        ("imagenetv2", "imagenetv2/imagenetv2-matched-frequency-format-val", "012", ()),
        ("imagenet_sketch", "imagenet-sketch/images", WNIDS, ()),
        ("imagenet_a", "imagenet-adversarial/imagenet-a", WNIDS[1:], (1, 2)),
        ("imagenet_r", "imagenet-rendition/imagenet-r", WNIDS[::2], (0, 2)),
    ],
)
def test_shifted_sets_share_imagenet_s_training_and_labels(
    root: Path, name: str, folder: str, kinds: tuple[str, ...], among: tuple[int, ...]
) -> None:
    for number, kind in enumerate(kinds):
        picture(root / folder / kind / "x.jpg", 50 * number)
    touch(root / folder / "README.txt")
    found = tiny(name, 3, generated=(6, 30, len(kinds))).listing(root)
    whole = tiny("imagenet", 3, **TINY).listing(root)
    assert found.classes == whole.classes
    for split in ("train", "val"):
        mine, theirs = found.splits[split], whole.splits[split]
        assert [mine.name(n) for n in range(len(mine))] == [
            theirs.name(n) for n in range(len(theirs))
        ]
        assert mine.labels == theirs.labels
    assert found.test_classes == among
    assert found.splits["test"].labels == list(among or range(3))
    assert grey(found, "test", 1) == 50
    touch(root / folder / "n99999999" / "x.jpg")
    with pytest.raises(InputError, match="n99999999: no such class"):
        data_sets()[name].listing(root)


def test_a_shifted_set_without_imagenet_says_what_it_lacks(tmp_path: Path) -> None:
    picture(tmp_path / "imagenet-a" / WNIDS[0] / "x.jpg", 1)
    with pytest.raises(Missing, match="imagenet/train is missing: ILSVRC2012_img_train"):
        data_sets()["imagenet_a"].listing(tmp_path)


def test_other_folders_in_val_than_in_train_are_an_error(root: Path) -> None:
    (root / "imagenet" / "val" / "n99999999").mkdir()
    with pytest.raises(InputError, match="4 folders, other than those of train"):
        data_sets()["imagenet"].listing(root)
