import json
import multiprocessing
import os
import shutil
import time
from collections import namedtuple
from dataclasses import replace

import pytest
import torch

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError
from sweeper.tasks import decoded
from sweeper.tasks.image import resize
from sweeper.tasks.listing import Listing, Pictures
from sweeper.tasks.task import Split, together

PIXELS, ABOUT = "images.bin", "about.json"
SIZED = Preprocessing(8, (0.5,) * 3, (0.5,) * 3, "bicubic", "crop")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "decoded"


def pixels(split, number):
    """Another image for each, some wide and some high."""
    draw = torch.Generator().manual_seed(hash((split, number)) % 2**31)
    shape = (3, 12, 9) if number % 2 else (3, 10, 15)
    return torch.randint(0, 256, shape, generator=draw, dtype=torch.uint8)


def listing(read=lambda split, number: pixels(len(split), number), **counts):
    counts = counts or {"train": 700, "val": 1, "test": 5}

    def pictures(split, count):
        name = f"{split} {{}}".format
        return Pictures([at % 3 for at in range(count)], name, lambda at: read(split, at))

    splits = {split: pictures(split, count) for split, count in counts.items()}
    return Listing(("a", "b", "c"), splits, "given", "identity")


def never(split, number):
    raise AssertionError(f"{split} {number} was decoded")


def test_images_are_those_of_the_listing_at_the_size_asked_for():
    found = decoded.load(listing(), SIZED)
    for split, pictures in listing().splits.items():
        assert found[split].labels.tolist() == pictures.labels
        expected = [resize(pictures.read(at)[None], SIZED)[0] for at in range(len(pictures))]
        assert torch.equal(found[split].images, torch.stack(expected))


def test_what_is_decoded_is_never_decoded_again():
    first = decoded.load(listing(), SIZED)
    again = decoded.load(listing(never), SIZED)
    for split in ("train", "val", "test"):
        assert torch.equal(again[split].images, first[split].images)
        assert torch.equal(again[split].labels, first[split].labels)


def test_the_digest_is_known_and_that_of_the_images():
    for split in decoded.load(listing(), SIZED).values():
        assert split.known == Split(split.images, split.labels).digest()


@pytest.mark.parametrize(
    "other",
    [
        (listing(), replace(SIZED, size=6)),
        (listing(), replace(SIZED, resize="squash")),
        (listing(), replace(SIZED, interpolation="bilinear")),
        (replace(listing(), identity="other"), SIZED),
        (listing(train=700, val=2, test=4), SIZED),
    ],
)
def test_other_data_or_preprocessing_is_another_entry(place, other):
    decoded.load(listing(), SIZED)
    decoded.load(*other)
    assert len([path for path in place.iterdir() if path.is_dir()]) == 2


def test_mean_and_std_are_not_in_the_pixels(place):
    decoded.load(listing(), SIZED)
    decoded.load(listing(never), replace(SIZED, mean=(0.1,) * 3, std=(1.0,) * 3))
    assert len([path for path in place.iterdir() if path.is_dir()]) == 1


def test_writing_into_an_image_does_not_change_the_file():
    found = decoded.load(listing(), SIZED)["train"]
    before = found.images.clone()
    found.images.zero_()
    assert torch.equal(decoded.load(listing(never), SIZED)["train"].images, before)


def test_train_and_val_are_one_without_a_copy():
    found = decoded.load(listing(), SIZED)
    both = together(found["train"], found["val"])
    assert both.images.data_ptr() == found["train"].images.data_ptr()
    assert torch.equal(both.images[700:], found["val"].images)


@pytest.mark.parametrize("damage", ["cut", "no about", "about cut", "no pixels"])
def test_a_damaged_entry_is_made_anew(place, damage):
    before = decoded.load(listing(), SIZED)["train"].images.clone()
    (entry,) = (path for path in place.iterdir() if path.is_dir())
    if damage == "cut":
        os.truncate(entry / PIXELS, 1000)
    elif damage == "about cut":
        (entry / ABOUT).write_text((entry / ABOUT).read_text()[:-20])
    else:
        (entry / (ABOUT if damage == "no about" else PIXELS)).unlink()
    assert torch.equal(decoded.load(listing(), SIZED)["train"].images, before)
    decoded.load(listing(never), SIZED)


def test_all_broken_images_are_named_and_nothing_is_left(place):
    def read(split, number):
        if (split, number) in {("train", 3), ("val", 0), ("test", 4)}:
            raise ValueError("cut short")
        return pixels(len(split), number)

    with pytest.raises(InputError) as caught:
        decoded.load(listing(read), SIZED)
    found = [str(problem) for problem in caught.value.problems]
    assert [text.split(": ")[0] for text in found] == ["train 3", "val 0", "test 4"]
    assert [path.suffix for path in place.iterdir()] == [".lock"]
    decoded.load(listing(), SIZED)


def test_a_disk_that_is_too_small_is_told_before_anything_is_decoded(place, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 2**20))
    big = replace(SIZED, size=224)
    with pytest.raises(InputError) as caught:
        decoded.load(listing(never), big)
    needed = f"{706 * 3 * 224 * 224 / 2**20:,.0f} MiB for 706 images of 224 x 224 pixels"
    assert str(caught.value) == (
        f"{place.parent}: 1 MiB are free; expected {needed}. "
        "Set SWEEPER_CACHE to a folder on a local disk with room."
    )
    assert [path.suffix for path in place.iterdir()] == [".lock"]


def _slowly(split, number):
    if (split, number) == ("val", 0):
        time.sleep(600)
    return pixels(len(split), number)


def _killed():
    torch.set_num_threads(1)  # a forked process has none of its parent's threads
    decoded.load(listing(_slowly), SIZED)


def test_a_kill_leaves_nothing_that_looks_whole(place):
    child = multiprocessing.get_context("fork").Process(target=_killed)
    child.start()
    deadline = time.monotonic() + 60
    while not [*place.glob("*.part/*")]:
        assert child.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child.kill()
    child.join()
    assert [path for path in place.iterdir() if path.is_dir()] == [*place.glob("*.part")]
    found = decoded.load(listing(), SIZED)
    assert torch.equal(found["test"].images[1], resize(pixels(4, 1)[None], SIZED)[0])
    assert not [*place.glob("*.part")]


def _counted(folder, turn):
    def read(split, number):
        (folder / f"{split} {number} {os.getpid()}").touch()
        return pixels(len(split), number)

    torch.set_num_threads(1)
    turn.wait()
    split = decoded.load(listing(read, train=40, val=3, test=3), SIZED)["train"]
    (folder / f"digest {os.getpid()}").write_text(split.digest())


def test_of_many_processes_one_decodes_and_all_read_the_same(tmp_path):
    folder = tmp_path / "seen"
    folder.mkdir()
    fork = multiprocessing.get_context("fork")
    turn = fork.Barrier(4)
    crew = [fork.Process(target=_counted, args=(folder, turn)) for _ in range(4)]
    for one in crew:
        one.start()
    for one in crew:
        one.join(60)
        assert one.exitcode == 0
    assert len([*folder.glob("train *")]) == 40
    assert len({path.read_text() for path in folder.glob("digest *")}) == 1
    assert len([*folder.glob("digest *")]) == 4


def test_the_description_beside_the_pixels_says_whose_they_are(place):
    found = decoded.load(listing(), SIZED)
    (entry,) = (path for path in place.iterdir() if path.is_dir())
    about = json.loads((entry / ABOUT).read_text())
    assert about["key"]["data"] == "identity"
    assert about["facts"] == {split: found[split].digest() for split in found}
