import hashlib

import numpy as np
import pytest
import torch
from scipy.io import savemat
from torchvision.datasets import SVHN

from sweeper.errors import InputError
from sweeper.tasks.dataset import Missing
from sweeper.tasks.sets import data_sets, svhn

from .released import small


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Files as released: images [32, 32, 3, N], labels [N, 1] from 1 to 10, where 10 is the 0."""
    (tmp_path / "svhn").mkdir()
    written = {}
    for split, name, count in (("train", svhn.FILES[0], 200), ("test", svhn.FILES[1], 30)):
        pixels = np.random.default_rng(count).integers(0, 256, (32, 32, 3, count), dtype=np.uint8)
        labels = (np.arange(count) % 10 + 1).astype(np.uint8)[:, None]
        savemat(tmp_path / "svhn" / name, {"X": pixels, "y": labels})
        digest = hashlib.md5((tmp_path / "svhn" / name).read_bytes()).hexdigest()
        written[split] = ["", name, digest]
    monkeypatch.setattr(SVHN, "split_list", {**SVHN.split_list, **written})
    return tmp_path


def test_label_ten_is_the_digit_zero_and_a_tenth_of_each_class_is_val(root):
    found = small("svhn", 10, generated=(180, 20, 30)).listing(root)
    assert found.classes == tuple("0123456789")
    assert found.splits["test"].labels[:11] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert sorted(found.splits["val"].labels) == sorted([*range(10)] * 2)


def test_pixels_are_those_of_the_file(root):
    found = small("svhn", 10, generated=(180, 20, 30)).listing(root)
    for split, count in (("train", 200), ("val", 200), ("test", 30)):
        shape, pictures = (32, 32, 3, count), found.splits[split]
        pixels = np.random.default_rng(count).integers(0, 256, shape, dtype=np.uint8)
        place = int(pictures.name(7).rpartition(" ")[2])
        assert torch.equal(pictures.read(7), torch.from_numpy(pixels[..., place]).permute(2, 0, 1))
        assert pictures.labels[7] == (place + 1) % 10
    seen = {found.splits[s].name(n) for s in ("train", "val") for n in range(len(found.splits[s]))}
    assert len(seen) == 200, "no image is in two splits"


def test_files_may_lie_in_the_data_folder_itself(root):
    assert small("svhn", 10, generated=(180, 20, 30)).listing(root / "svhn").identity == "svhn-1"


def test_what_is_declared_is_the_sum_of_train_and_val(root):
    with pytest.raises(InputError, match=r"200 images in train\+val .*expected 73,257"):
        data_sets()["svhn"].listing(root)


def test_missing_and_damaged_files_are_said(root, tmp_path_factory):
    (root / "svhn" / svhn.FILES[1]).write_bytes(b"damaged")
    with pytest.raises(InputError, match="incomplete or damaged"):
        data_sets()["svhn"].listing(root)
    (root / "svhn" / svhn.FILES[1]).unlink()
    with pytest.raises(Missing, match=r"svhn/test_32x32.mat is missing"):
        data_sets()["svhn"].listing(root)
    with pytest.raises(Missing, match=r"train_32x32.mat, .*test_32x32.mat are missing"):
        data_sets()["svhn"].listing(tmp_path_factory.mktemp("empty"))
