import hashlib
import pickle

import numpy as np
import pytest
import torch
from torchvision import datasets

from sweeper.errors import InputError
from sweeper.tasks.dataset import Missing
from sweeper.tasks.deal import shuffled
from sweeper.tasks.sets import cifar, data_sets

from .released import small


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Files in CIFAR-100's own layout: 200 training and 20 test images of two classes."""
    place = tmp_path / cifar.FOLDERS["cifar100"]
    place.mkdir()

    def write(name, content):
        data = pickle.dumps(content)
        (place / name).write_bytes(data)
        return [name, hashlib.md5(data).hexdigest()]

    def images(count):
        draw = np.random.default_rng(count)
        pixels = draw.integers(0, 256, (count, 3072), dtype=np.uint8)
        return {"data": pixels, "fine_labels": [place % 2 for place in range(count)]}

    kind = datasets.CIFAR100
    monkeypatch.setattr(kind, "train_list", [write("train", images(200))])
    monkeypatch.setattr(kind, "test_list", [write("test", images(20))])
    name, digest = write("meta", {"fine_label_names": ["apple", "aquarium_fish"]})
    monkeypatch.setattr(kind, "meta", {"filename": name, "key": "fine_label_names", "md5": digest})
    return tmp_path


def test_a_tenth_of_each_class_is_held_out_for_val_by_the_hash_of_its_place(root):
    found = small("cifar100", 2, generated=(180, 20, 20)).listing(root)
    assert found.classes == ("apple", "aquarium fish")
    assert (found.rule, found.identity) == ("generated", "cifar100-1")
    held = sorted(
        int(place)
        for label in (0, 1)
        for place in shuffled([str(place) for place in range(label, 200, 2)])[:10]
    )
    assert [found.splits["val"].name(n) for n in range(20)] == [
        f"cifar100 train, image {place}" for place in held
    ]
    rest = [place for place in range(200) if place not in held]
    assert found.splits["train"].labels == [place % 2 for place in rest]


def test_pixels_and_labels_stay_together(root):
    found = small("cifar100", 2, generated=(180, 20, 20)).listing(root)
    train, test = (datasets.CIFAR100(root, train=train) for train in (True, False))
    for split, source in (("train", train), ("val", train), ("test", test)):
        pictures = found.splits[split]
        for number in range(0, len(pictures), 7):
            place = int(pictures.name(number).rpartition(" ")[2])
            expected = torch.from_numpy(source.data[place]).permute(2, 0, 1)
            assert torch.equal(pictures.read(number), expected)
            assert pictures.labels[number] == source.targets[place]


def test_a_folder_of_its_name_is_looked_into_as_well(root):
    (root / "cifar100").mkdir()
    (root / cifar.FOLDERS["cifar100"]).rename(root / "cifar100" / cifar.FOLDERS["cifar100"])
    assert small("cifar100", 2, generated=(180, 20, 20)).listing(root).classes[0] == "apple"


def test_a_missing_set_says_how_to_get_it(tmp_path):
    with pytest.raises(Missing, match=r"cifar-10-batches-py is missing: .*cifar-10-python.tar.gz"):
        data_sets()["cifar10"].listing(tmp_path)


def test_damaged_files_are_refused(root):
    (root / cifar.FOLDERS["cifar100"] / "train").write_bytes(b"damaged")
    with pytest.raises(InputError, match="incomplete or damaged"):
        data_sets()["cifar100"].listing(root)


def test_folders_and_archives_are_those_of_torchvision():
    for name, kind in (("cifar10", datasets.CIFAR10), ("cifar100", datasets.CIFAR100)):
        assert cifar.FOLDERS[name] == kind.base_folder
        assert f"{cifar.URL}/{cifar.ARCHIVES[name]}" == kind.url
