"""Whatever is in a file of tensors, it is read whole or refused in our words."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from sweeper.backbones import state_file
from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import CheckpointError, InputError
from sweeper.exported.release import read_release
from sweeper.train import checkpoint, tensor_file, trained

SOME = settings(max_examples=120, deadline=None, derandomize=True)
TENSORS = {"prompts": torch.arange(6.0).view(2, 3), "count": torch.tensor(7)}
SEEN = Preprocessing(8, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bicubic", "crop")
KEYS = ["trial", "epoch", "step", "seconds", "best_acc", "accumulation"]
KEYS += ["classes", "template", "preprocessing", "buffers"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda each: (
        st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=5), each, max_size=3)
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


def _checkpoint(path: Path) -> None:
    found = checkpoint.Checkpoint(1, 2, 0.5, TENSORS, {"prompts/step": torch.ones(())}, {})
    checkpoint.write(found, path, "id")


def _trained(path: Path) -> None:
    found = trained.Trained("id", ("a", "b"), "a {}", SEEN, TENSORS, frozenset(["count"]))
    trained.write(found, path)


def _old(path: Path) -> None:
    torch.save(TENSORS, path, _use_new_zipfile_serialization=False)


KINDS: dict[str, tuple[Callable[[Path], Any], Callable[[Path], Any]]] = {
    "trial.safetensors": (_checkpoint, lambda path: checkpoint.read(path, "id")),
    "state.safetensors": (_trained, trained.read),
    "weights.safetensors": (_trained, state_file.read),
    "weights.pth": (lambda path: torch.save({"model": TENSORS}, path), state_file.read),
    "old.pth": (_old, state_file.read),
    "pgn.pt": (lambda path: torch.save(TENSORS, path), read_release),
}


def read(name: str, path: Path) -> str:
    """Why the file is refused; empty where it is read. Anything else is a failure."""
    try:
        KINDS[name][1](path)
    except (CheckpointError, InputError) as error:
        assert path.name in str(error)  # noqa: PT017
        return str(error)
    return ""


@pytest.mark.parametrize("name", KINDS)
@SOME
@given(data=st.data())
def test_cut_flipped_and_longer_files(folder: Path, name: str, data: st.DataObject) -> None:
    path = folder / name
    KINDS[name][0](path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(["cut", "flip", "put in", "leave out"])):
            case "cut":
                content = content[: max(at, 1)]
            case "flip":
                content[at] ^= 1 << data.draw(st.integers(0, 7))
            case "put in":
                content[at:at] = data.draw(st.binary(min_size=1, max_size=9))
            case "leave out":
                del content[at : at + data.draw(st.integers(1, 9))]
                content = content or bytearray(b"x")
    path.write_bytes(content)
    read(name, path)


@pytest.mark.parametrize("name", KINDS)
@SOME
@given(content=st.binary(max_size=64))
@example(content=b"")
@example(content=b"\xff" * 8)  # a header of 2^64 - 1 bytes
@example(content=struct.pack("<Q", 2**40) + b"{}")
@example(content=struct.pack("<Q", 2) + b"{}")
@example(content=b"PK\x03\x04")
@example(content=b"\x80\x02.")
@example(content=b"\x80\x02}q\x00.")
def test_any_bytes(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    path.write_bytes(content)
    if read(name, path) == "":
        assert name.startswith(("weights", "old"))  # a mapping without tensors


def _safetensors(header: object, body: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


@pytest.mark.parametrize("name", [each for each in KINDS if each.endswith(".safetensors")])
@SOME
@given(header=JSON, body=st.binary(max_size=16))
@example(header={"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}, body=b"")
@example(header={"a": {"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 0]}}, body=b"")
@example(header={"a": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}, body=b"")
@example(header={"a": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}}, body=b"x")
@example(header={"a": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]}}, body=b"x")
@example(header={"__metadata__": {"sweeper": "[" * 100_000}}, body=b"")
@example(header={"__metadata__": {"sweeper": "[]"}}, body=b"")
@example(header={"__metadata__": {"sweeper": '{"version": 1, "digest": []}'}}, body=b"")
def test_any_header(folder: Path, name: str, header: object, body: bytes) -> None:
    path = folder / name
    path.write_bytes(_safetensors(header, body))
    read(name, path)


@pytest.mark.parametrize("name", ["trial.safetensors", "state.safetensors"])
@SOME
@given(key=st.sampled_from(KEYS), value=JSON)
@example(key="trial", value=None)
@example(key="epoch", value="3")
@example(key="epoch", value=-1)
@example(key="accumulation", value=0)
@example(key="classes", value="ab")
@example(key="preprocessing", value={"size": 8, "mean": [0.5]})
@example(key="preprocessing", value={**vars(SEEN), "interpolation": "../x"})
@example(key="buffers", value=[["a"]])
def test_any_value_under_a_right_digest(folder: Path, name: str, key: str, value: Any) -> None:
    path = folder / name
    KINDS[name][0](path)
    header, tensors = tensor_file.read(path, 1)
    if key not in header:
        return
    tensor_file.write(path, tensors, {**header, key: value})
    if read(name, path) == "":
        found: Any = KINDS[name][1](path)
        kinds = {"epoch": int, "step": int, "accumulation": int, "template": str, "classes": tuple}
        assert isinstance(getattr(found, key, ""), kinds.get(key, object))


def test_a_checkpoint_with_tensors_of_no_part_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trial.safetensors"
    _checkpoint(path)
    header, tensors = tensor_file.read(path, 1)
    for strange in ("strange:x", "", "state"):
        tensor_file.write(path, {**tensors, strange: torch.ones(1)}, header)
        assert ("not what a trial has saved" in read(path.name, path)) == (strange != "state")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trial.safetensors"
    path.write_bytes(save(TENSORS))
    assert "not a readable checkpoint" in read(path.name, path)
    _trained(path)
    assert "not what a trial has saved" in read(path.name, path)
