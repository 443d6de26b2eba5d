import json
from pathlib import Path

import numpy as np
import pytest
import torch

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError
from sweeper.tasks import catalog

SMALL = Preprocessing(6, (0.5,) * 3, (0.5,) * 3, "bilinear", "squash")
DRAW = np.random.default_rng(0)


def pixels(count, *shape):
    return DRAW.integers(0, 256, (count, *shape), dtype=np.uint8)


def archive(path, **arrays):
    np.savez_compressed(path, **arrays)
    return str(path)


def problems(path):
    with pytest.raises(InputError) as caught:
        catalog.describe(str(path), Path())
    return [str(problem) for problem in caught.value.problems]


def test_pixels_and_labels_stay_together_and_val_is_dealt(tmp_path):
    train, test = pixels(60, 6, 6, 3), pixels(9, 6, 6, 3)
    train[:, 0, 0, 0] = np.arange(60)
    path = archive(
        tmp_path / "grey.npz",
        x_train=train,
        y_train=np.arange(60) % 3,
        x_test=test,
        y_test=np.arange(9, dtype=np.uint8) % 3,
    )
    task = catalog.load(path, SMALL)
    assert (task.info.name, task.info.classes) == ("grey", ("0", "1", "2"))
    assert torch.equal(task.test.images.permute(0, 2, 3, 1), torch.from_numpy(test))
    assert task.test.labels.tolist() == [0, 1, 2] * 3
    seen = task.train.images[:, 0, 0, 0].tolist() + task.val.images[:, 0, 0, 0].tolist()
    assert sorted(seen) == [*range(60)]
    assert [level % 3 for level in seen] == task.train.labels.tolist() + task.val.labels.tolist()
    assert task.info.rule == "val generated"


@pytest.mark.parametrize("shape", [(6, 6), (6, 6, 1)])
def test_grey_is_repeated(tmp_path, shape):
    grey = pixels(12, *shape)
    path = archive(tmp_path / "a.npz", images=grey, labels=np.arange(12)[:, None] % 2)
    task = catalog.load(path, SMALL)
    found = torch.cat([task.train.images, task.val.images, task.test.images])
    assert (found[:, :1] == found).all()
    wanted = {image.tobytes() for image in grey}
    assert {image[0].numpy().tobytes() for image in found} == wanted


def test_given_splits_and_class_names_are_kept(tmp_path):
    arrays = {}
    for count, split in ((6, "train"), (4, "val"), (2, "test")):
        arrays |= {
            f"{split}_images": pixels(count, 5, 7, 3),
            f"{split}_labels": np.arange(count) % 2,
        }
    (tmp_path / "a.json").write_text(json.dumps({"0": "cat", "1": "polar_bear"}))
    info = catalog.describe(archive(tmp_path / "a.npz", **arrays), Path())
    assert info.sizes == {"train": 6, "val": 4, "test": 2}
    assert (info.rule, info.classes) == ("given", ("cat", "polar bear"))


def test_all_that_does_not_fit_is_named(tmp_path):
    path = archive(
        tmp_path / "a.npz",
        x_train=pixels(6, 3, 5, 7),
        y_train=np.zeros((6, 10)),
        x_test=np.zeros((4, 5, 5), np.float32),
        y_test=np.zeros(3, int),
    )
    assert problems(path) == [
        f"{path}: x_train is [6, 3, 5, 7]; expected 1 or 3 channels, in the end. "
        "Put the channels last.",
        f"{path}: y_train is float64 [6, 10]; expected integers or texts [6], one for each image",
        f"{path}: x_test is float32 [4, 5, 5]; expected uint8 [N, H, W] or [N, H, W, 1 or 3]",
        f"{path}: y_test is int64 [3]; expected integers or texts [4], one for each image",
    ]
    path = archive(tmp_path / "b.npz", pictures=pixels(3, 4, 4))
    assert problems(path)[0].startswith(f"{path}: arrays pictures; expected x_train, y_train")


def test_a_label_out_of_range_is_named_with_its_place(tmp_path):
    (tmp_path / "a.json").write_text('["cat", "dog"]')
    labels = np.arange(12) % 2
    labels[7] = 2
    path = archive(tmp_path / "a.npz", images=pixels(12, 4, 4), labels=labels)
    assert problems(path)[0].startswith(f"{path}, images[7]: label 2; expected 0 to 1")
    labels[7] = -1
    path = archive(tmp_path / "b.npz", images=pixels(12, 4, 4), labels=labels)
    assert problems(path)[0].startswith(f"{path}, images[7]: label -1; expected 0 or more")


class _Trap:
    def __reduce__(self):
        return open, ("sprung", "w")


def test_nothing_is_unpickled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trap = np.empty(2, object)
    trap[:] = [_Trap(), _Trap()]
    path = archive(tmp_path / "a.npz", images=pixels(2, 4, 4), labels=trap)
    assert "labels is unreadable (Object arrays cannot be loaded" in problems(path)[0]
    np.save(tmp_path / "b.npy", trap)
    (tmp_path / "b.npy").rename(tmp_path / "b.npz")
    assert "unreadable" in problems(tmp_path / "b.npz")[0]
    assert not (tmp_path / "sprung").exists()


def test_damaged_archives_are_refused(tmp_path):
    path = Path(archive(tmp_path / "a.npz", images=pixels(50, 8, 8), labels=np.arange(50) % 2))
    data = bytearray(path.read_bytes())
    data[300:330] = b"\xff" * 30
    (tmp_path / "damaged.npz").write_bytes(data)
    (tmp_path / "cut.npz").write_bytes(path.read_bytes()[:500])
    (tmp_path / "empty.npz").write_bytes(b"")
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    for name, said in (
        ("damaged", "images is unreadable"),
        ("cut", "unreadable"),
        ("empty", "unreadable"),
        ("one", "a single array"),
    ):
        assert said in problems(tmp_path / f"{name}.npz")[0]
