import pytest

from sweeper.errors import InputError
from sweeper.tasks.dataset import Missing
from sweeper.tasks.deal import shuffled
from sweeper.tasks.sets import data_sets, sun397

from .released import named, paint, small, split_file, write

PATHS = ("/a/abbey", "/a/apartment_building/outdoor")
NAMES = ("abbey", "outdoor apartment building")


@pytest.fixture(params=["SUN397", "sun397/SUN397"])
def images(request, tmp_path):
    """Two classes of twenty images, at torchvision's place and at CoOp's."""
    place = tmp_path / request.param
    for path in PATHS:
        for number in range(20):
            paint(place / path[1:] / f"sun_{number}.jpg", number)
    write(place / "ClassName.txt", *PATHS)
    return place


def partition(place, train, test):
    for name, numbers in ((sun397.PARTITION["train"], train), (sun397.PARTITION["test"], test)):
        write(place / name, *(f"{path}/sun_{n}.jpg" for path in PATHS for n in numbers))


def test_without_partitions_a_hundred_of_each_class_are_cut_as_they_would(tmp_path, images):
    data = small("sun397", 2, **{"generated without partitions": (16, 4, 20)})
    found = data.listing(tmp_path)
    assert found.classes == NAMES
    assert found.identity.startswith("generated without partitions-")
    splits = named(found, images)
    for label, path in enumerate(PATHS):
        order = shuffled([f"{path[1:]}/sun_{number}.jpg" for number in range(20)])
        dealt = {"test": order[:10], "val": order[10:12], "train": order[12:]}
        for split, files in dealt.items():
            assert {f for f, own in splits[split].items() if own == label} == set(files)


def test_of_a_large_class_the_first_hundred_by_hash_are_taken(tmp_path, images):
    for path in PATHS:
        for number in range(20, 110):
            paint(images / path[1:] / f"sun_{number}.jpg")
    data = small("sun397", 2, **{"generated without partitions": (80, 20, 100)})
    splits = named(data.listing(tmp_path), images)
    taken = {file for split in splits.values() for file, label in split.items() if label == 0}
    assert taken == set(shuffled([f"a/abbey/sun_{number}.jpg" for number in range(110)])[:100])


def test_the_official_partition_is_used_where_it_lies(tmp_path, images):
    partition(images.parent, range(10), range(10, 15))
    found = small("sun397", 2, generated=(16, 4, 10)).listing(tmp_path)
    splits = named(found, images)
    assert found.classes == NAMES
    tested = {f"{path[1:]}/sun_{n}.jpg": k for k, path in enumerate(PATHS) for n in range(10, 15)}
    assert splits["test"] == tested
    held = shuffled([f"a/abbey/sun_{number}.jpg" for number in range(10)])[:2]
    assert {file for file, label in splits["val"].items() if label == 0} == set(held)


def test_a_line_of_a_partition_that_names_no_class_is_named(tmp_path, images):
    partition(images, range(10), range(10, 15))
    path = images / sun397.PARTITION["test"]
    path.write_text(path.read_text() + "/z/zoo/sun_1.jpg\n\nabbey\n")
    with pytest.raises(InputError) as caught:
        data_sets()["sun397"].listing(tmp_path)
    assert [problem.where for problem in caught.value.problems] == [f"{path}:11", f"{path}:13"]


def test_images_that_a_partition_names_must_be_there(tmp_path, images):
    partition(images, range(10), range(15, 25))
    with pytest.raises(InputError, match=r"10 of 40 images are not there, such as a/abbey/sun_20"):
        data_sets()["sun397"].listing(tmp_path)


def test_the_published_split_comes_first(tmp_path, images):
    partition(images.parent, range(10), range(10, 15))
    rows = [["a/abbey/sun_3.jpg", 0, "abbey"], ["a/apartment_building/outdoor/sun_4.jpg", 1, "x_y"]]
    path = images.parent / sun397.SPLIT_FILE
    split_file(path, {"train": rows, "val": rows[:1], "test": rows[1:]})
    found = small("sun397", 2, split_zhou=(2, 1, 1)).listing(tmp_path)
    assert found.identity.startswith("split_zhou-")
    assert found.classes == ("abbey", "x y")
    assert found.splits["test"].read(0).float().mean().round() == 4
    assert found.splits["test"].labels == [1]


def test_a_missing_set_says_how_to_get_it(tmp_path, images):
    (images / "ClassName.txt").unlink()
    with pytest.raises(Missing, match=r"SUN397/ClassName.txt is missing: get it from .*SUN397.tar"):
        data_sets()["sun397"].listing(tmp_path)
