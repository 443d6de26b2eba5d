import hashlib
import pickle

import numpy as np
import pytest
import torch
from torchvision import datasets

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError
from sweeper.tasks import cifar

SIZED = Preprocessing(16, (0.5,) * 3, (0.5,) * 3, "bicubic", "squash")


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


def test_a_tenth_of_each_class_is_held_out_for_val(root):
    task = cifar.load("cifar100", root, SIZED)
    assert (len(task.train), len(task.val), len(task.test)) == (180, 20, 20)
    assert task.val.labels.bincount().tolist() == [10, 10]
    assert task.train.images.shape[1:] == (3, 16, 16)
    assert task.info.classes == ("apple", "aquarium fish")
    again = cifar.load("cifar100", root, SIZED)
    assert torch.equal(again.val.images, task.val.images)


def test_pixels_and_labels_stay_together(root):
    whole = Preprocessing(32, (0.5,) * 3, (0.5,) * 3, "bicubic", "squash")
    task = cifar.load("cifar100", root, whole)
    source = datasets.CIFAR100(root, train=False)
    assert torch.equal(task.test.images, torch.from_numpy(source.data).permute(0, 3, 1, 2))
    assert task.test.labels.tolist() == source.targets


def test_a_missing_set_says_how_to_get_it(tmp_path):
    info = cifar.describe("cifar10", tmp_path)
    assert "cifar-10-batches-py is missing" in info.available
    assert "cifar-10-python.tar.gz" in info.available
    assert info.sizes == {"train": 45_000, "val": 5_000, "test": 10_000}


def test_damaged_files_are_refused(root):
    (root / cifar.FOLDERS["cifar100"] / "train").write_bytes(b"damaged")
    with pytest.raises(InputError, match="incomplete or damaged"):
        cifar.load("cifar100", root, SIZED)


def test_folders_and_archives_are_those_of_torchvision():
    for name, kind in (("cifar10", datasets.CIFAR10), ("cifar100", datasets.CIFAR100)):
        assert cifar.FOLDERS[name] == kind.base_folder
        assert f"{cifar.SOURCE}/{cifar.SETS[name]}-python.tar.gz" == kind.url
