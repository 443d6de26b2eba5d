"""Files of splits as CoOp hands them out: read in their order, refused with JSON and entry."""

import hashlib
import json

import pytest

from sweeper.errors import InputError
from sweeper.tasks import split_zhou

from .sets.released import paint


@pytest.fixture
def images(tmp_path):
    for name in ("a/1.jpg", "a/2.jpg", "b/1.jpg", "b/2.jpg"):
        paint(tmp_path / "images" / name)
    return tmp_path / "images"


def write(tmp_path, content):
    path = tmp_path / "split_zhou_Set.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def problems(path, images):
    with pytest.raises(InputError) as caught:
        split_zhou.read(path, images)
    return [str(problem) for problem in caught.value.problems]


RIGHT = {
    "train": [["b/2.jpg", 1, "big_b"], ["a/1.jpg", 0, "a"]],
    "val": [["a/2.jpg", 0, "a"]],
    "test": [["b/1.jpg", 1, "big_b"]],
}


def test_entries_keep_their_order_and_names_lose_their_underscores(tmp_path, images):
    path = write(tmp_path, RIGHT)
    found = split_zhou.read(path, images)
    assert found.classes == ("a", "big b")
    assert [found.splits["train"].name(n) for n in (0, 1)] == [
        str(images / "b/2.jpg"),
        str(images / "a/1.jpg"),
    ]
    assert found.splits["train"].labels == [1, 0]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert (found.rule, found.identity) == ("split_zhou", f"split_zhou-{digest[:8]}")


def test_an_entry_whose_file_is_not_there_is_named(tmp_path, images):
    (images / "a/2.jpg").unlink()
    path = write(tmp_path, {**RIGHT, "test": [["c/9.jpg", 1, "big_b"]] * 9})
    said = problems(path, images)
    assert said[0].startswith(f"{path}, val[0]: 'a/2.jpg'; expected a file in {images}")
    assert said[1].startswith(f"{path}, test[0]: 'c/9.jpg'")
    assert "9 files of test are not there" in said[1]
    assert len(said) == 1 + split_zhou.SHOWN


def test_a_gap_in_the_labels_is_an_error(tmp_path, images):
    path = write(tmp_path, {**RIGHT, "val": [["a/2.jpg", 3, "c"]]})
    (said,) = problems(path, images)
    assert said == f"{path}: no entry with label 2; expected labels from 0 to 3, each used"
    path = write(tmp_path, {**RIGHT, "val": [["a/2.jpg", -1, "c"]]})
    assert problems(path, images)[0].startswith(f"{path}: label -1")


def test_two_names_for_one_label_are_an_error(tmp_path, images):
    path = write(tmp_path, {**RIGHT, "val": [["a/2.jpg", 1, "b"]]})
    assert problems(path, images) == [
        f"{path}, val[0]: 'b' for label 1; expected 'big_b', as elsewhere"
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "Expecting"),
        ("[]", "no mapping"),
        ({"train": [], "val": []}, "keys train, val"),
        ({**RIGHT, "val": [["a/1.jpg", "0", "a"]]}, "val[0]: ['a/1.jpg', '0', 'a']"),
        ({**RIGHT, "test": [["a/1.jpg", 0]]}, "test[0]: ['a/1.jpg', 0]"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path, images, content, said):
    path = write(tmp_path, content)
    (problem,) = problems(path, images)
    assert problem.startswith(str(path))
    assert said in problem
