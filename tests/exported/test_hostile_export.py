"""A folder that somebody else exported: nothing in it runs, and whatever is wrong is told."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sweeper.backbones.clip import ClipBackbone
from sweeper.errors import InputError
from sweeper.exported import describe, load
from sweeper.exported.description import DESCRIPTION_FILE
from tests.exported import made

SOME = settings(max_examples=60, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, backbone: ClipBackbone) -> Path:
    found = tmp_path_factory.mktemp("exported") / "e"
    made.export(found, backbone)
    return found


@pytest.fixture(scope="module")
def whole(folder: Path) -> str:
    return (folder / DESCRIPTION_FILE).read_text()


@pytest.mark.parametrize("place", ["method.py", "../mine.py"])
def test_a_description_that_names_a_file_as_its_method_runs_nothing(
    folder: Path, whole: str, backbone: ClipBackbone, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder / place
    file.write_text(f"open({str(folder / 'ran')!r}, 'w').close()\n")
    monkeypatch.chdir(folder)
    for name in (f"./{place}", str(file), f"./{place}@0123456789ab", f"{file}@0123456789ab"):
        text = json.dumps(json.loads(whole) | {"method": name})
        (folder / DESCRIPTION_FILE).write_text(text)
        with pytest.raises(InputError, match=r"a description runs no file|not run unasked"):
            load(folder, backbone)
        assert not (folder / "ran").exists()
    file.unlink()


def _tried(folder: Path, text: bytes, backbone: ClipBackbone) -> None:
    (folder / DESCRIPTION_FILE).write_bytes(text)
    try:
        describe(folder)
        load(folder, backbone)
    except InputError as error:
        assert str(error)  # noqa: PT017


@SOME
@given(seed=st.integers(0, 2**32), value=st.sampled_from(
    ["null", "-1", "1e999", '"../x"', "[]", "{}", '"\\ud800"', "[" * 2000, "true", '"timm/x"']
))  # fmt: skip
def test_any_value_anywhere_in_a_description(
    folder: Path, whole: str, backbone: ClipBackbone, seed: int, value: str
) -> None:
    found, draw = json.loads(whole), random.Random(seed)
    place: Any = found
    while True:
        key = draw.choice([*place] if isinstance(place, dict) else [*range(len(place))])
        if not isinstance(place[key], dict | list) or not place[key] or draw.random() < 0.3:
            break
        place = place[key]
    place[key] = "PUT HERE"
    _tried(folder, json.dumps(found).replace('"PUT HERE"', value).encode(), backbone)


@SOME
@given(st.binary(max_size=40))
@example(b"")
@example(b"[" * 100_000)
@example(b"\xff")
@example(b'{"format": 1}')
def test_any_bytes_for_a_description(folder: Path, backbone: ClipBackbone, text: bytes) -> None:
    _tried(folder, text, backbone)
