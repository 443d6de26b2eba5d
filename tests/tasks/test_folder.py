import logging
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError
from sweeper.tasks import folder

SMALL = Preprocessing(4, (0.5,) * 3, (0.5,) * 3, "bilinear", "squash")


def fill(place, count, level=0, start=0):
    """`count` images in the folder `place`, each of its own grey above `level`."""
    place.mkdir(parents=True, exist_ok=True)
    for number in range(start, start + count):
        pixels = np.full((6, 5, 3), level + number, dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{number:03}.png")


@pytest.fixture
def pets(tmp_path):
    fill(tmp_path / "pets" / "tabby_cat", 20)
    fill(tmp_path / "pets" / "dog", 20, level=100)
    return tmp_path / "pets"


def problems(root):
    with pytest.raises(InputError) as caught:
        folder.describe(root)
    return [str(problem) for problem in caught.value.problems]


def test_a_folder_with_a_folder_per_class_is_a_task(pets):
    task = folder.load(pets, SMALL)
    assert task.info == folder.describe(pets)
    assert task.info.name == "pets"
    assert task.info.classes == ("dog", "tabby cat")
    assert sum(task.info.sizes.values()) == 40
    for split in ("train", "val", "test"):
        images, labels = getattr(task, split).images, getattr(task, split).labels
        assert len(images) == task.info.sizes[split] == len(labels)
        assert images.shape[1:] == (3, 4, 4)
        assert images.dtype == torch.uint8
        assert ((images[:, 0, 0, 0] >= 100) == (labels == 0)).all(), "each image has its label"
        assert labels.unique().tolist() == [0, 1]


def test_no_image_is_in_two_splits(pets):
    task = folder.load(pets, SMALL)
    seen = [s.images[:, 0, 0, 0].tolist() for s in (task.train, task.val, task.test)]
    assert len({level for split in seen for level in split}) == sum(map(len, seen)) == 40


def test_the_digest_is_of_names_and_contents_and_not_of_the_place(pets, tmp_path):
    before = folder.describe(pets).data
    shutil.copytree(pets, tmp_path / "elsewhere" / "pets")
    assert folder.describe(tmp_path / "elsewhere" / "pets").data == before
    fill(pets / "dog", 1, level=50)  # the first image of the class, changed
    changed = folder.describe(pets).data
    assert changed != before
    (pets / "dog" / "001.png").rename(pets / "dog" / "renamed.png")
    assert folder.describe(pets).data not in (before, changed)


def test_given_splits_are_kept(tmp_path):
    root = tmp_path / "given"
    for level, split in enumerate(("train", "val", "test")):
        for name in ("a", "b"):
            fill(root / split / name, 2 + level, level=50 * level)
    task = folder.load(root, SMALL)
    assert task.info.classes == ("a", "b")
    assert task.info.sizes == {"train": 4, "val": 6, "test": 8}
    assert task.val.images.min() == 50
    assert task.test.images.min() == 100


def test_a_split_that_is_not_given_is_dealt_from_train(tmp_path):
    root = tmp_path / "given"
    for name in ("a", "b"):
        fill(root / "train" / name, 10)
        fill(root / "test" / name, 3, level=100)
    task = folder.load(root, SMALL)
    assert task.info.sizes["test"] == 6
    assert task.info.sizes["train"] + task.info.sizes["val"] == 20
    assert task.val.images.max() < 100
    assert task.val.labels.unique().tolist() == [0, 1]


def test_a_class_may_be_called_train(tmp_path):
    for name in ("train", "bus"):
        fill(tmp_path / "vehicles" / name, 5)
    assert folder.describe(tmp_path / "vehicles").classes == ("bus", "train")


def test_all_mistakes_come_at_once_and_name_their_place(pets):
    (pets / "empty").mkdir()
    fill(pets / "rare", 2)
    (pets / "dog" / "note.png").write_text("not an image")
    cut = pets / "tabby_cat" / "007.png"
    cut.write_bytes(cut.read_bytes()[:50])
    found = problems(pets)
    assert len(found) == 4
    for place, what in (
        (pets / "empty", "an empty class"),
        (pets / "rare", "2 images; expected at least 3"),
        (pets / "dog" / "note.png", "an unreadable image (cut short, or of a format"),
        (cut, "an unreadable image ("),
    ):
        assert any(text.startswith(f"{place}: {what}") for text in found), what


def test_a_split_without_a_class_is_named(tmp_path):
    root = tmp_path / "given"
    for split, name in (("train", "a"), ("train", "b"), ("test", "a"), ("test", "c")):
        fill(root / split / name, 4)
    found = problems(root)
    places = {str(root / "test" / "b"), str(root / "train" / "c")}
    assert {text.split(": ")[0] for text in found} == places


def test_a_missing_folder_or_one_without_classes_is_refused(tmp_path):
    assert "no such folder" in problems(tmp_path / "none")[0]
    fill(tmp_path / "flat", 3)
    assert "0 class folders; expected at least 2" in problems(tmp_path / "flat")[0]
    fill(tmp_path / "single" / "cat", 5)
    assert "one class, 'cat'" in problems(tmp_path / "single")[0]


def test_two_folders_of_one_class_name_are_refused(pets):
    fill(pets / "tabby cat", 5)
    assert any("'tabby cat' and 'tabby_cat'" in text for text in problems(pets))


def test_what_is_left_out_is_counted_and_links_are_not_followed(pets, tmp_path, caplog):
    fill(tmp_path / "outside", 5)
    (pets / "linked").symlink_to(tmp_path / "outside")
    (pets / "loop").symlink_to(pets)
    (pets / "dog" / "loop").symlink_to(pets)
    (pets / "dog" / "list.txt").write_text("")
    (pets / "dog" / ".hidden.png").write_text("")
    (pets / ".git").mkdir()
    with caplog.at_level(logging.WARNING):
        info = folder.describe(pets)
    assert info.classes == ("dog", "tabby cat")
    assert "left out 6 entries" in caplog.text


def test_an_image_that_changes_is_read_again(pets):
    folder.describe(pets)
    (pets / "dog" / "003.png").write_bytes(b"broken")
    assert "unreadable" in problems(pets)[0]
