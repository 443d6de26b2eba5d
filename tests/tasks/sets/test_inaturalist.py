"""iNaturalist 2018, from its COCO files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sweeper.errors import InputError
from sweeper.tasks.sets import data_sets

from .made import labels_by_file, tiny


def coco(files: list[tuple[str, int]], names: list[tuple[int, str]]) -> dict[str, Any]:
    return {
        "images": [{"id": 70 + n, "file_name": file} for n, (file, _) in enumerate(files)],
        "annotations": [
            {"id": n, "image_id": 70 + n, "category_id": kind}
            for n, (_, kind) in reversed([*enumerate(files)])
        ],
        "categories": [{"id": kind, "name": name} for kind, name in names],
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    home = tmp_path / "inaturalist2018"
    home.mkdir()
    names = [(5, "5"), (2, "2"), (9, "9")]
    train = [(f"train_val2018/Aves/2/{n}.jpg", 2 if n % 2 else 5) for n in range(38)]
    train += [("train_val2018/Aves/9/a.jpg", 9), ("train_val2018/Aves/9/b.jpg", 9)]
    val = [("train_val2018/Aves/9/c.jpg", 9), ("train_val2018/Aves/2/d.jpg", 2)]
    (home / "train2018.json").write_text(json.dumps(coco(train, names)))
    (home / "val2018.json").write_text(json.dumps(coco(val, names)))
    return tmp_path


def test_val_is_cut_from_train_and_test_is_the_official_val(root: Path) -> None:
    declared = tiny("inaturalist2018", 3, generated=(36, 4, 2))
    found = declared.listing(root)
    assert found.classes == ("2", "5", "9")
    given = labels_by_file(found)
    assert given["test"] == [("9/c.jpg", 2), ("2/d.jpg", 0)]
    assert not {*given["train"]} & {*given["val"]}
    assert set(Counter(found.splits["train"].labels)) == {0, 1, 2}
    assert found.splits["test"].name(1).startswith(str(root / "inaturalist2018/train_val2018"))


def test_the_names_released_later_are_used_where_they_are_given(root: Path) -> None:
    home, declared = root / "inaturalist2018", tiny("inaturalist2018", 3, generated=(36, 4, 2))
    hidden = declared.listing(root)
    names = {2: "Anser anser", 5: "Bufo bufo", 9: "Lynx lynx", 11: "of another year"}
    (home / "categories.json").write_text(
        json.dumps([{"id": kind, "name": name} for kind, name in names.items()])
    )
    found = declared.listing(root)
    assert found.classes == ("Anser anser", "Bufo bufo", "Lynx lynx")
    assert found.identity != hidden.identity


def test_a_damaged_file_is_named(root: Path) -> None:
    path = root / "inaturalist2018" / "val2018.json"
    path.write_text(json.dumps({"images": [{"id": 1, "file_name": "x"}], "annotations": []}))
    with pytest.raises(InputError, match=r"val2018\.json"):
        data_sets()["inaturalist2018"].listing(root)
    path.write_text("{")
    with pytest.raises(InputError, match=r"val2018\.json"):
        data_sets()["inaturalist2018"].listing(root)
