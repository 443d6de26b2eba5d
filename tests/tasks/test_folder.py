import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError
from sweeper.tasks import catalog

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


def describe(root):
    return catalog.describe(str(root), Path())


def load(root):
    return catalog.load(str(root), SMALL)


def problems(root):
    with pytest.raises(InputError) as caught:
        describe(root)
    return [str(problem) for problem in caught.value.problems]


def test_a_folder_with_a_folder_per_class_is_a_task(pets):
    task = load(pets)
    assert task.info == describe(pets)
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
    task = load(pets)
    seen = [s.images[:, 0, 0, 0].tolist() for s in (task.train, task.val, task.test)]
    assert len({level for split in seen for level in split}) == sum(map(len, seen)) == 40


def test_the_digest_is_of_names_and_contents_and_not_of_the_place(pets, tmp_path):
    before = describe(pets).data
    shutil.copytree(pets, tmp_path / "elsewhere" / "pets")
    assert describe(tmp_path / "elsewhere" / "pets").data == before
    fill(pets / "dog", 1, level=50)  # the first image of the class, changed
    changed = describe(pets).data
    assert changed != before
    (pets / "dog" / "001.png").rename(pets / "dog" / "renamed.png")
    assert describe(pets).data not in (before, changed)


def test_given_splits_are_kept(tmp_path):
    root = tmp_path / "given"
    for level, split in enumerate(("train", "val", "test")):
        for name in ("a", "b"):
            fill(root / split / name, 2 + level, level=50 * level)
    task = load(root)
    assert task.info.classes == ("a", "b")
    assert task.info.sizes == {"train": 4, "val": 6, "test": 8}
    assert task.val.images.min() == 50
    assert task.test.images.min() == 100


def test_a_split_that_is_not_given_is_dealt_from_train(tmp_path):
    root = tmp_path / "given"
    for name in ("a", "b"):
        fill(root / "train" / name, 10)
        fill(root / "test" / name, 3, level=100)
    task = load(root)
    assert task.info.sizes["test"] == 6
    assert task.info.sizes["train"] + task.info.sizes["val"] == 20
    assert task.val.images.max() < 100
    assert task.val.labels.unique().tolist() == [0, 1]


def test_splits_may_be_written_with_capitals(tmp_path):
    for split in ("Train", "Valid", "TEST"):
        for name in ("a", "b"):
            fill(tmp_path / "given" / split / name, 2)
    info = describe(tmp_path / "given")
    assert info.classes == ("a", "b")
    assert (info.rule, info.sizes) == ("given", {"train": 4, "val": 4, "test": 4})


def test_a_file_whose_name_is_not_utf_8_is_an_image_like_any_other(pets):
    (pets / "dog" / "000.png").rename(os.fsdecode(os.fsencode(pets / "dog") + b"/caf\xe9.png"))
    assert sum(describe(pets).sizes.values()) == 40


def test_a_path_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    loop, long = tmp_path / "loop", tmp_path / ("a" * 300)
    loop.symlink_to(loop)
    for path in (loop, long):
        (found,) = problems(path)
        assert found.startswith(f"{path}: ")
        assert "a folder of images" in found

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    (tmp_path / "shut").mkdir()
    (found,) = problems(tmp_path / "shut")
    assert found.startswith(f"{tmp_path / 'shut'}: unreadable (Permission denied)")


def test_a_class_may_be_called_train(tmp_path):
    for name in ("train", "bus"):
        fill(tmp_path / "vehicles" / name, 5)
    assert describe(tmp_path / "vehicles").classes == ("bus", "train")


def test_all_mistakes_come_at_once_and_name_their_place(pets):
    (pets / "empty").mkdir()
    fill(pets / "rare", 2)
    (pets / "dog" / "note.png").write_text("not an image")
    cut = pets / "tabby_cat" / "007.png"
    cut.write_bytes(cut.read_bytes()[:50])
    found = problems(pets)
    assert len(found) == 4
    for place, what in (
        (pets / "empty", "no images; expected at least 3"),
        (pets / "rare", "2 images; expected at least 3"),
        (pets / "dog" / "note.png", "an unreadable image (cut short, or of a format"),
        (cut, "an unreadable image ("),
    ):
        assert any(text.startswith(f"{place}: {what}") for text in found), what


def test_a_class_that_nothing_can_be_trained_on_is_named(tmp_path):
    root = tmp_path / "given"
    for split, name in (("train", "a"), ("train", "b"), ("test", "a"), ("test", "c")):
        fill(root / split / name, 4)
    (found,) = problems(root)
    assert found.startswith(f"{root / 'train' / 'c'}: no images; expected at least 2")


def test_a_missing_folder_or_one_without_classes_is_refused(tmp_path):
    assert "no such folder" in problems(tmp_path / "none")[0]
    fill(tmp_path / "flat", 3)
    assert "no classes; expected at least 2" in problems(tmp_path / "flat")[0]
    fill(tmp_path / "single" / "cat", 5)
    assert "one class, 'cat'" in problems(tmp_path / "single")[0]


def test_two_folders_of_one_class_name_are_refused(pets):
    fill(pets / "tabby cat", 5)
    assert any("'tabby cat' and 'tabby_cat'" in text for text in problems(pets))


def test_a_test_split_that_lacks_a_class_is_used_and_said(tmp_path, capsys):
    root = tmp_path / "given"
    for split, names in (("train", "abc"), ("test", "ab")):
        for name in names:
            fill(root / split / name, 4)
    assert describe(root).sizes["test"] == 8
    assert f"{root}: test has no images of 1 classes, such as 'c'" in capsys.readouterr().err
    shutil.rmtree(root / "test" / "a")
    shutil.rmtree(root / "test" / "b")
    assert problems(root) == [f"{root}, test: no images; expected images in each split"]


def test_what_is_left_out_is_counted_and_links_are_not_followed(pets, tmp_path, capsys):
    fill(tmp_path / "outside", 5)
    (pets / "linked").symlink_to(tmp_path / "outside")
    (pets / "loop").symlink_to(pets)
    (pets / "dog" / "loop").symlink_to(pets)
    (pets / "dog" / "linked.png").symlink_to(tmp_path / "outside")
    (pets / "dog" / "list.txt").write_text("")
    (pets / "dog" / ".hidden.png").write_text("")
    (pets / ".git").mkdir()
    os.mkfifo(pets / "dog" / "pipe.png")  # to read it would take for ever
    info = describe(pets)
    assert info.classes == ("dog", "tabby cat")
    assert info.sizes == describe(pets).sizes
    assert capsys.readouterr().err.count("left out 8 entries") == 1, "once for all of a command"


def test_an_image_that_changes_is_read_again(pets):
    describe(pets)
    (pets / "dog" / "003.png").write_bytes(b"broken")
    assert "unreadable" in problems(pets)[0]
    fill(pets / "dog", 1, level=150, start=3)
    before = describe(pets)
    (pets / "lone").mkdir()
    assert "no images" in problems(pets)[0]
    (pets / "lone").rmdir()
    assert describe(pets) == before


def test_every_broken_file_is_named_and_nothing_is_touched(pets):
    broken = {
        "text.jpg": b"<html>404</html>",
        "empty.png": b"",
        "cut.png": (pets / "dog" / "001.png").read_bytes()[:50],
    }
    for name, content in broken.items():
        (pets / "dog" / name).write_bytes(content)
    (pets / "dog" / "gone.png").symlink_to(pets / "nowhere.png")
    (pets / "dog" / "loop.png").symlink_to(pets / "dog" / "loop.png")
    before = sorted((path, path.lstat().st_mtime_ns) for path in pets.rglob("*"))
    found = problems(pets)
    for name in (*broken, "gone.png", "loop.png"):
        assert sum(text.startswith(f"{pets / 'dog' / name}: ") for text in found) == 1
    assert len(found) == 5
    assert sorted((path, path.lstat().st_mtime_ns) for path in pets.rglob("*")) == before


def test_a_file_that_may_not_be_read_is_named(pets, monkeypatch):
    def refuse(path):
        if path.name == "004.png":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path)

    opened = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", refuse)
    found = problems(pets)
    assert [text.split(": ")[0] for text in found] == [
        str(pets / name / "004.png") for name in ("dog", "tabby_cat")
    ]
    assert "Permission denied" in found[0]


ODD = {
    "German_Shepherd  dog ": "German Shepherd dog",
    'O\'Neil "the" cat': 'O\'Neil "the" cat',
    "#7 {}": "#7 {}",
    "Cafe\u0301 名前 🐈": "Caf\u00e9 名前 🐈",
    "a" * 250: "a" * 250,
    "-rf *": "-rf *",
    "100%": "100%",
    "line\nbreak": "line break",
}


def test_classes_and_files_may_be_called_anything(tmp_path):
    root = tmp_path / "odd ones' #1"
    for name in ODD:
        fill(root / name, 3)
        (root / name / "000.png").rename(root / name / "ü '\"# \n.PNG")
    task = load(root)
    assert task.info.name == "odd ones' #1"
    assert task.info.classes == tuple(ODD[name] for name in sorted(ODD))
    assert task.info.sizes == dict.fromkeys(("train", "val", "test"), len(ODD))
    assert len(task.info.template.format(task.info.classes[0]))


def test_class_folders_without_a_name_are_refused(tmp_path):
    root = tmp_path / "odd"
    for name in (b"caf\xe9", b"_", b"dog"):
        fill(root / os.fsdecode(name), 3)
    found = problems(root)
    assert "b'caf\\xe9'; expected UTF-8" in found[1]
    assert "a class '_'" in found[0]
    assert len(found) == 2


def test_images_of_one_name_in_two_classes_are_two_images(tmp_path):
    for name in ("a", "b"):
        fill(tmp_path / "same" / name, 3)  # the same three files
    assert describe(tmp_path / "same").sizes == {"train": 2, "val": 2, "test": 2}


def test_splits_go_by_the_names_that_others_use(tmp_path):
    for split in ("train", "validation", "test"):
        for name in ("a", "b"):
            fill(tmp_path / "given" / split / name, 2)
    info = describe(tmp_path / "given")
    assert info.sizes == {"train": 4, "val": 4, "test": 4}
    assert info.rule == "given"
    shutil.copytree(tmp_path / "given" / "validation", tmp_path / "given" / "val")
    assert "more than one folder for a split" in problems(tmp_path / "given")[0]
