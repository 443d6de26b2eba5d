"""Google's original ViT weights, made up in their own layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sweeper.backbones import state_file
from sweeper.backbones.random_vit import random_model
from sweeper.errors import InputError

PARTS = {"query": 0, "key": 1, "value": 2}


def google(model: Any) -> dict[str, np.ndarray[Any, Any]]:
    """The tensors of a ViT as Google lays them out: kernels [in, out], those of attention by
    head.
    """
    heads, width = model.blocks[0].attn.num_heads, model.embed_dim
    found: dict[str, Tensor] = {
        "cls": model.cls_token,
        "embedding/kernel": model.patch_embed.proj.weight.permute(2, 3, 1, 0),
        "embedding/bias": model.patch_embed.proj.bias,
        "Transformer/posembed_input/pos_embedding": model.pos_embed,
        "Transformer/encoder_norm/scale": model.norm.weight,
        "Transformer/encoder_norm/bias": model.norm.bias,
        "head/kernel": model.head.weight.T,
        "head/bias": model.head.bias,
    }
    for number, block in enumerate(model.blocks):
        place = f"Transformer/encoderblock_{number}"
        attention = f"{place}/MultiHeadDotProductAttention_1"
        for part, at in PARTS.items():
            own = slice(at * width, (at + 1) * width)
            kernel, bias = block.attn.qkv.weight[own], block.attn.qkv.bias[own]
            found[f"{attention}/{part}/kernel"] = kernel.T.reshape(width, heads, -1)
            found[f"{attention}/{part}/bias"] = bias.reshape(heads, -1)
        found[f"{attention}/out/kernel"] = block.attn.proj.weight.T.reshape(heads, -1, width)
        found[f"{attention}/out/bias"] = block.attn.proj.bias
        for name, norm in (("LayerNorm_0", block.norm1), ("LayerNorm_2", block.norm2)):
            found |= {f"{place}/{name}/scale": norm.weight, f"{place}/{name}/bias": norm.bias}
        for name, dense in (("Dense_0", block.mlp.fc1), ("Dense_1", block.mlp.fc2)):
            found[f"{place}/MlpBlock_3/{name}/kernel"] = dense.weight.T
            found[f"{place}/MlpBlock_3/{name}/bias"] = dense.bias
    return {name: value.detach().contiguous().numpy() for name, value in found.items()}


@pytest.mark.parametrize("settings", [{}, {"mlp_ratio": 2.7}])
def test_tensors_come_out_by_timm_s_names(tmp_path: Path, settings: dict[str, Any]) -> None:
    model = random_model(**settings)
    np.savez(tmp_path / "vit.npz", **google(model))
    found, expected = state_file.read(tmp_path / "vit.npz"), model.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_a_head_behind_pre_logits_is_left_out(tmp_path: Path) -> None:
    tensors = google(random_model()) | {"pre_logits/kernel": np.ones((2, 2), np.float32)}
    np.savez(tmp_path / "vit.npz", **tensors)
    found = state_file.read(tmp_path / "vit.npz")
    assert not [name for name in found if name.startswith("head")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"cls": None}, "cls"),
        ({"embedding/kernel": None}, "no 'embedding/kernel', which Google's ViTs have"),
        (
            {"Transformer/posembed_input/pos_embedding": np.ones((1, 18, 48), np.float32)},
            "18 positions, not those of CLS and a square",
        ),
        ({"cls": np.array([print], dtype=object)}, "allow_pickle=False"),
    ],
)
def test_what_is_not_such_a_file_is_refused(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    tensors = {n: v for n, v in (google(random_model()) | change).items() if v is not None}
    np.savez(tmp_path / "odd.npz", **tensors)
    with pytest.raises(InputError, match=rf"odd\.npz: it cannot be read \(.*{reason}"):
        state_file.read(tmp_path / "odd.npz")


def test_a_cut_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.npz"
    np.savez(path, **google(random_model()))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=str(path)):
        state_file.read(path)
