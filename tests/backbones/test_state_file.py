"""Files of weights are read whole or refused, and never run."""

from __future__ import annotations

import argparse
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sweeper.backbones.state_file import read
from sweeper.errors import InputError

TENSORS = {"a": torch.arange(3.0), "b": torch.ones(2, 2)}


@pytest.mark.parametrize("around", [None, "state_dict", "model"])
def test_the_tensors_of_a_checkpoint_are_found(tmp_path: Path, around: str | None) -> None:
    path = tmp_path / "one.pth"
    torch.save(TENSORS if around is None else {around: TENSORS, "epoch": 3}, path)
    found = read(path)
    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "one.safetensors")
    assert torch.equal(read(tmp_path / "one.safetensors")["b"], TENSORS["b"])


class Hostile:
    def __reduce__(self) -> tuple[object, ...]:
        return (open, ("/tmp/should-never-be-written", "w"))


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_cut_file_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cut{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(TENSORS, path)
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(InputError, match=str(path)):
        read(path)


def test_code_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"a": Hostile()}, path)
    with pytest.raises(InputError, match="nothing else"):
        read(path)
    (tmp_path / "plain.pth").write_bytes(pickle.dumps({"a": Hostile()}))
    with pytest.raises(InputError, match="nothing else"):
        read(tmp_path / "plain.pth")
    assert not Path("/tmp/should-never-be-written").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "none.pth")


def test_a_folder_is_refused_with_the_file_in_it(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match=rf"Name the file in it, such as {tmp_path.name}/model"):
        read(tmp_path)


def test_a_checkpoint_with_its_command_line_and_one_of_old_are_read(tmp_path: Path) -> None:
    args = argparse.Namespace(lr=0.1)
    torch.save({"student": {}, "teacher": TENSORS, "args": args}, tmp_path / "dino.pth")
    torch.save(TENSORS, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    for name in ("dino.pth", "old.pth"):
        assert torch.equal(read(tmp_path / name)["a"], TENSORS["a"])


def test_what_holds_no_tensors_by_name_is_refused(tmp_path: Path) -> None:
    torch.save([torch.ones(2)], tmp_path / "list.pth")
    with pytest.raises(InputError, match="a list instead of tensors by name"):
        read(tmp_path / "list.pth")


def test_no_error_tells_to_run_what_a_file_holds(tmp_path: Path) -> None:
    path = tmp_path / "note.pth"
    path.write_text("hello")
    with pytest.raises(InputError, match="no file of tensors") as caught:
        read(path)
    assert "weights_only" not in str(caught.value)
