import json

import numpy as np
import pytest
from PIL import Image

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError
from sweeper.tasks import sun397

SMALL = Preprocessing(4, (0.5,) * 3, (0.5,) * 3, "bicubic", "crop")
PATHS = ("/a/abbey", "/a/apartment_building/outdoor")


@pytest.fixture
def root(tmp_path):
    """Two classes of twenty images."""
    place = tmp_path / "SUN397"
    for path in PATHS:
        (place / path[1:]).mkdir(parents=True)
        for number in range(20):
            pixels = np.full((6, 8, 3), number, dtype=np.uint8)
            Image.fromarray(pixels).save(place / path[1:] / f"sun_{number}.jpg")
    (place / "ClassName.txt").write_text("\n".join(PATHS) + "\n")
    return tmp_path


def test_without_the_published_split_one_is_cut_and_says_so(root):
    task = sun397.load(root, SMALL)
    assert task.info.data == "hash-40-10-50"
    assert task.info.sizes == {"train": 16, "val": 4, "test": 20}
    assert task.info.classes == ("abbey", "outdoor apartment building")
    assert task.test.labels.bincount().tolist() == [10, 10]
    assert task.train.images.shape == (16, 3, 4, 4)


def test_the_published_split_is_used_where_it_is(root):
    rows = [["a/abbey/sun_3.jpg", 0, "abbey"], ["a/apartment_building/outdoor/sun_4.jpg", 1, "x_y"]]
    (root / sun397.SPLIT_FILE).write_text(
        json.dumps({"train": rows, "val": rows[:1], "test": rows[1:]})
    )
    task = sun397.load(root, SMALL)
    assert task.info.data.startswith("split_zhou-")
    assert task.info.sizes == {"train": 2, "val": 1, "test": 1}
    assert task.info.classes == ("abbey", "x y")
    assert task.test.images.float().mean() == 4
    assert task.test.labels.tolist() == [1]


def test_a_split_file_of_another_kind_is_refused(root):
    (root / sun397.SPLIT_FILE).write_text('{"train": []}')
    with pytest.raises(InputError, match="split_zhou_SUN397"):
        sun397.describe(root)


def test_a_missing_set_says_how_to_get_it(tmp_path):
    assert "unpack SUN397.tar.gz" in sun397.describe(tmp_path).available


def test_every_unreadable_image_is_named(root):
    broken = [root / "SUN397" / "a" / "abbey" / f"sun_{number}.jpg" for number in (3, 4)]
    for path in broken:
        path.write_bytes(b"")
    with pytest.raises(InputError) as caught:
        sun397.load(root, SMALL)
    assert {problem.where for problem in caught.value.problems} == set(map(str, broken))
