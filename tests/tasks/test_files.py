"""Lists of files become splits."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from PIL import Image

from sweeper.tasks.files import cut, listing, pictures

ROWS = [(f"images/{number:03}.png", number % 7) for number in range(101)]


def test_an_image_is_read_when_it_is_asked_for_and_named_by_its_path(tmp_path):
    Image.new("RGB", (5, 3), (9, 8, 7)).save(tmp_path / "b.png")
    found = pictures(tmp_path, [("a.png", 1), ("b.png", 0)])
    assert (len(found), found.labels) == (2, [1, 0])
    assert found.name(0) == str(tmp_path / "a.png")
    assert torch.equal(found.read(1), torch.tensor([9, 8, 7], dtype=torch.uint8)[:, None, None]
                       .expand(3, 3, 5))  # fmt: skip
    with pytest.raises(OSError, match=r"a\.png"):
        found.read(0)


def test_the_identity_knows_classes_files_labels_splits_and_the_classes_of_test(tmp_path):
    first, second = [("a", 0), ("b", 1)], [("c", 0)]
    made = [
        listing(tmp_path, classes, rows, "official", test_classes=among).identity
        for classes, rows, among in (
            (["x", "y"], {"train": first, "test": second}, ()),
            (["x", "z"], {"train": first, "test": second}, ()),
            (["x", "y"], {"train": first[::-1], "test": second}, ()),
            (["x", "y"], {"train": [("a", 1), ("b", 1)], "test": second}, ()),
            (["x", "y"], {"train": second, "test": first}, ()),
            (["x", "y"], {"train": first, "test": second}, (0,)),
        )
    ]
    assert len(set(made)) == len(made)
    again = listing(tmp_path / "elsewhere", ["x", "y"], {"test": second, "train": first}, "other")
    assert again.identity == made[0], "neither where the files are nor how they are called"


def test_val_is_cut_from_train_by_name_and_rounded_up():
    found = cut(ROWS, 0.1)
    assert (len(found["train"]), len(found["val"])) == (90, 11)
    assert sorted(found["train"] + found["val"]) == ROWS
    assert found["train"] == sorted(found["train"]), "in the order of the list"
    backwards = cut(ROWS[::-1], 0.1)
    assert sorted(backwards["val"]) == found["val"], "never by the order of the list"
    assert found["val"] != ROWS[:11]


def test_the_last_image_of_a_class_stays_in_train():
    rows = [(f"{number}.png", number // 2) for number in range(200)]
    found = cut(rows, 0.4)
    assert len(found["val"]) == 80
    assert set(Counter(label for _, label in found["train"])) == set(range(100))
