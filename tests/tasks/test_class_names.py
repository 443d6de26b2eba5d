import json

import pytest

from sweeper.errors import InputError
from sweeper.tasks import class_names


@pytest.mark.parametrize(
    "written",
    [
        ["sea_horse", "cat"],
        {"classes": ["sea_horse", "cat"], "name": "animals"},
        {"1": "cat", "0": "sea_horse"},
    ],
)
def test_each_form_gives_the_names_by_label(tmp_path, written):
    path = tmp_path / "names.json"
    path.write_text(json.dumps(written))
    assert class_names.read(path) == ("sea horse", "cat")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{"1": "a", "2": "b"}', "the keys are not the labels 0 to 1"),
        ('["a", 2]', "no list of texts"),
        ('"a"', "no list of texts"),
        ('["a",', "Expecting value"),
        (b'["caf\xe9"]', "utf-8"),
    ],
)
def test_anything_else_is_refused_with_the_file(tmp_path, written, said):
    path = tmp_path / "names.json"
    path.write_bytes(written if isinstance(written, bytes) else written.encode())
    with pytest.raises(InputError, match=said) as caught:
        class_names.read(path)
    assert str(caught.value).startswith(f"{path}: class names (")


def test_the_file_lies_beside_the_data(tmp_path):
    (tmp_path / "pets.v2").mkdir()
    assert class_names.beside(tmp_path / "pets.v2") == tmp_path / "pets.v2.json"
    assert class_names.beside(tmp_path / "pets.v2.parquet") == tmp_path / "pets.v2.json"
    assert class_names.read(tmp_path / "pets.v2.json") is None
