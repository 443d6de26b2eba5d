"""Joint tasks: what is joined, under which labels and texts, and what cannot be."""

import shutil
from pathlib import Path

import pytest
import torch

from sweeper.backbones import towers
from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError
from sweeper.tasks import catalog, joint
from sweeper.tasks.task import TaskInfo

from .test_folder import fill

SIZED = Preprocessing(32, (0.5,) * 3, (0.5,) * 3, "bicubic", "squash")


def folder(root: Path, *classes: str) -> str:
    for number, name in enumerate(classes):
        fill(root / name, 5, level=50 * number + len(root.name))
    return f"./{root.name}"


@pytest.fixture
def home(tmp_path):
    folder(tmp_path / "pets", "cat", "dog")
    folder(tmp_path / "farm", "Pig_let", "cow", "hen")
    return tmp_path


def test_splits_are_those_of_the_parts_in_the_written_order_under_labels_of_their_own(home):
    pets, farm = (catalog.load(name, SIZED, home) for name in ("./pets", "./farm"))
    both = catalog.load("./farm+./pets", SIZED, home)
    for split in ("train", "val", "test"):
        first, second = getattr(farm, split), getattr(pets, split)
        found = getattr(both, split)
        assert torch.equal(found.images, torch.cat([first.images, second.images]))
        assert torch.equal(found.labels, torch.cat([first.labels, second.labels + 3]))
        assert both.info.sizes[split] == len(found)
    assert both.info.name == "farm+pets"
    assert both.info.parts == {"farm": range(6), "pets": range(6, 8)}
    assert both.info == catalog.describe("./farm+./pets", home)
    assert pets.info.parts == {}


def test_a_built_in_task_and_a_folder_are_joined(home):
    info = catalog.describe("digits+./pets", home)
    assert info.name == "digits+pets"
    assert info.parts == {"digits": range(600), "pets": range(600, 602)}
    assert info.classes[0] == "This is a photo of a zero"
    assert info.classes[-1] == "This is a photo of a dog"
    assert info.template == "{}"


def test_the_classifier_is_that_of_the_parts_one_after_the_other(home):
    backbone = towers.load("embedded")
    parts = [catalog.describe(name, home) for name in ("counting", "digits", "./farm")]
    found = joint.describe(parts)
    texts = backbone.classifier(found.classes, found.template)
    alone = [backbone.classifier(part.classes, part.template) for part in parts]
    torch.testing.assert_close(texts, torch.cat(alone), rtol=0, atol=1e-6)
    assert len({part.template for part in parts}) > 1
    gaps = (texts[:, None] - texts[None]).abs().amax(dim=2)
    assert gaps[~torch.eye(len(texts), dtype=torch.bool)].min() > 1e-4, "each text is another"


def test_identity_is_that_of_the_parts_in_their_order(home):
    first = catalog.describe("./pets+./farm", home).data
    assert len(first) == 16
    assert catalog.describe("./pets+./farm", home).data == first
    assert catalog.describe("./farm+./pets", home).data != first
    fill(home / "pets" / "cat", 6)
    assert catalog.describe("./pets+./farm", home).data != first


def test_texts_that_two_parts_share_are_refused_by_name(home):
    folder(home / "zoo", "DOG", "lion")
    with pytest.raises(InputError) as caught:
        catalog.describe("./pets+./farm+./zoo", home)
    (problem,) = caught.value.problems
    assert problem.got == "'pets' and 'zoo' both have 'this is a photo of a dog'"
    with pytest.raises(InputError, match=r"'shapes' and 'sketches' both have .* and 17 more"):
        catalog.describe("shapes+sketches", home)


def test_all_mistakes_of_all_parts_are_named(home):
    with pytest.raises(InputError) as caught:
        catalog.describe("digit+./nowhere+", home)
    assert len(caught.value.problems) == 3
    assert "Did you mean 'digits'" in str(caught.value)
    assert "nowhere: no such folder" in str(caught.value)
    with pytest.raises(InputError, match="two parts called 'digits'"):
        catalog.describe("digits+digits", home)
    folder(home / "(odd)", "sun", "moon")
    with pytest.raises(InputError, match=r"a part called '\(odd\)'"):
        catalog.describe("digits+./(odd)", home)


def test_a_folder_with_a_plus_in_its_name_is_one_task_and_not_joined(home):
    folder(home / "c++", "sun", "moon")
    assert catalog.describe("./c++", home).name == "c++"
    assert catalog.load(catalog.located("./c++", home), SIZED).info.name == "c++"
    shutil.move(home / "pets", home / "c++" / "in")
    with pytest.raises(InputError, match=r"c\+\+/in: a '\+' in it"):
        catalog.describe("digits+./in", home / "c++")


def test_what_is_located_is_found_from_anywhere(home, monkeypatch, tmp_path_factory):
    info = catalog.describe("digits+./pets", home)
    name = catalog.located("digits+./pets", home)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert catalog.load(name, SIZED).info == info
    assert catalog.folders_of(name) == [home.resolve() / "pets"]
    assert catalog.located("digits+counting", home) == "digits+counting"
    assert catalog.folders_of("digits+counting") == []


def test_a_joint_task_lacks_what_its_parts_lack():
    parts = [
        TaskInfo(name, "1", "", (name,), "{}", {}, available=why)
        for name, why in (("a", "no a"), ("b", ""), ("c", "no c"))
    ]
    assert joint.describe(parts).available == "no a; no c"


def test_a_drawn_part_has_the_pixels_that_it_has_alone(home):
    both = catalog.load("digits+./pets", SIZED, home)
    alone = catalog.load("digits", SIZED)
    assert torch.equal(both.train.images[: len(alone.train)], alone.train.images)
    assert torch.equal(both.test.labels[: len(alone.test)], alone.test.labels)


def test_a_broken_image_of_a_part_is_named_before_anything_is_loaded(home):
    (home / "pets" / "cat" / "004.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"pets/cat/004.png: an unreadable image"):
        catalog.load("digits+./pets", SIZED, home)


def test_sizes_that_a_part_does_not_know_are_not_made_up():
    parts = [
        TaskInfo(name, "1", "", (name,), "{}", sizes)
        for name, sizes in (("a", {"train": 3, "test": 2}), ("b", {"test": 4}))
    ]
    assert joint.describe(parts).sizes == {"test": 6}
