"""A user's file of weights: known by its content, its tensors by the network's own names."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from sweeper.backbones import weights_file
from sweeper.backbones.weights_file import WeightsFile, identity_of, unwrapped
from sweeper.errors import InputError

MAE = "timm/vit_base_patch16_224.mae"
OWN = {"cls_token": torch.ones(2), "blocks.0.norm1.weight": torch.zeros(3)}


def save(path: Path, value: float) -> Path:
    save_file({"a": torch.full((3,), value)}, path)
    return path


def test_the_identity_is_the_digest_of_the_content(tmp_path: Path) -> None:
    one, copy, other = (save(tmp_path / name, v) for name, v in (("1", 1), ("2", 1), ("3", 3)))
    assert identity_of(one) == f"weights-{hashlib.sha256(one.read_bytes()).hexdigest()[:16]}"
    assert identity_of(one) == identity_of(copy) != identity_of(other)
    with pytest.raises(InputError, match=r"none\.pth: no such file"):
        identity_of(tmp_path / "none.pth")


def test_a_file_is_hashed_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "w", 1)
    first = identity_of(path)
    with monkeypatch.context() as patch:
        patch.setattr(weights_file.hashlib, "sha256", lambda: pytest.fail("hashed again"))
        assert identity_of(path) == first
    stands = path.stat()
    with path.open("r+b") as file:  # the same file and size
        file.seek(-1, os.SEEK_END)
        file.write(b"\1")
    os.utime(path, ns=(stands.st_atime_ns, stands.st_mtime_ns + 1))
    assert identity_of(path) != first


def test_a_file_is_called_by_its_name_and_what_it_is_like(tmp_path: Path) -> None:
    found = WeightsFile.written(f"sub/w.pth@{MAE}", tmp_path)
    assert found == WeightsFile(f"w.pth@{MAE}", tmp_path / "sub/w.pth", MAE)
    assert WeightsFile.at(found.name, str(found.path)) == found
    assert WeightsFile.written("./w.pth", tmp_path).like == ""


def test_tensors_are_in_float32_in_memory_of_their_own(tmp_path: Path) -> None:
    path, ones = tmp_path / "w.pth", torch.ones(5000)
    torch.save({"half": ones.half(), "single": ones, "whole": torch.arange(5000)}, path)
    file = WeightsFile.written("./w.pth", tmp_path)
    state = file.state(file.identity)
    assert (state["half"].dtype, state["whole"].dtype) == (torch.float32, torch.int64)
    with path.open("r+b") as opened:
        opened.write(b"\0" * path.stat().st_size)
    assert torch.equal(state["half"], ones)
    assert torch.equal(state["single"], ones)
    assert torch.equal(state["whole"], torch.arange(5000))


def test_a_file_that_is_not_the_planned_one_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "w.safetensors", 1)
    file = WeightsFile.written("./w.safetensors", tmp_path)
    planned = file.identity
    save(path, 2)
    with pytest.raises(InputError, match=rf"weights-\w+ now; expected {planned}, as planned"):
        file.state(planned)


def test_shapes_follow_the_content(tmp_path: Path) -> None:
    save(tmp_path / "w.safetensors", 1)
    file = WeightsFile.written("./w.safetensors", tmp_path)
    assert dict(file.shapes()) == {"a": (3,)}
    save_file({"b": torch.ones(4, 2)}, file.path)
    assert dict(file.shapes()) == {"b": (4, 2)}


def under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": value for name, value in tensors.items()}


HEAD = {"head.0.weight": torch.ones(1)}
CHECKPOINTS = {
    "as it is": OWN,
    "DistributedDataParallel": under("module.", OWN),
    "MoCo-v3": under("module.base_encoder.", OWN | HEAD)
    | under("module.momentum_encoder.", OWN | HEAD)
    | under("module.predictor.", HEAD),
    "DINO": under("backbone.", OWN) | HEAD | {"head.mlp.0.weight": torch.ones(1)},
    "MAE": OWN | {"mask_token": torch.ones(1), "decoder_norm.weight": torch.ones(1)},
    "OpenAI": OWN | {"input_resolution": torch.tensor(224), "vocab_size": torch.tensor(9)},
}


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_the_network_is_taken_out_of_its_checkpoint(kind: str) -> None:
    found = unwrapped(CHECKPOINTS[kind])
    assert found.keys() == OWN.keys()
    assert all(found[name] is OWN[name] for name in OWN)


def test_a_head_of_the_network_s_own_stays() -> None:
    assert unwrapped(OWN | HEAD).keys() == {*OWN, *HEAD}
    assert unwrapped(under("module.", OWN | HEAD)).keys() == {*OWN, *HEAD}


def test_what_is_foreign_to_a_checkpoint_keeps_its_name() -> None:
    odd = under("module.base_encoder.", OWN) | {"module.other.weight": torch.ones(1)}
    assert unwrapped(odd).keys() == {*OWN, "module.other.weight"}
