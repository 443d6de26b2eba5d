from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sweeper import discovery
from tests.base_vit import base_vit
from tests.small_clip import small_clip, small_model
from tests.small_vit import small_vit, small_vit_model

SSF: Any = discovery.find("ssf", Path())
CLASSES = ("red", "green", "blue")


def build(backbone: Any, **params: Any) -> Any:
    settings = SSF.params(**params)
    return SSF.module(backbone=backbone, classes=CLASSES, template="a {}", params=settings, seed=0)


def trained(backbone: Any, head: str) -> Any:
    """In float64, with scales and shifts far from where they start."""
    module = build(backbone, head=head).double()
    backbone._model.double()
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in (*module.gamma.values(), *module.beta.values()):
            value.add_(0.3 * torch.randn(len(value), dtype=value.dtype, generator=draw))
    return module


def changed(module: Any, place: str, out: Tensor) -> Tensor:
    """gamma * out + beta of outputs [..., D]."""
    key = place.replace(".", "/")
    moved: Tensor = module.gamma[key] * out + module.beta[key]
    return moved


def test_count_at_vit_b16() -> None:
    module = build(base_vit(), head="mapped")
    assert sum(p.numel() for p in module.parameters()) == 205_824 == 2 * (11 * 12 + 2) * 768
    gamma, beta = torch.cat([*module.gamma.values()]), torch.cat([*module.beta.values()])
    assert gamma.mean().item() == pytest.approx(1, abs=3e-4)
    assert beta.mean().item() == pytest.approx(0, abs=3e-4)
    for values in (gamma, beta):
        assert values.std().item() == pytest.approx(0.02, rel=0.01)
    assert abs(torch.corrcoef(torch.stack((gamma, beta)))[0, 1].item()) < 0.02


# mean over the tasks of FGVC (1,173 classes) and VTAB-1k (940)
@pytest.mark.parametrize(("classes", "printed"), [(1173 / 5, "0.39"), (940 / 19, "0.24")])
def test_count_with_heads_is_what_is_printed(classes: float, printed: str) -> None:
    assert f"{(205_824 + classes * 769) / 1e6:.2f}" == printed


REGISTERS = {"pre_norm": True, "reg_tokens": 2}  # `pre_norm`: patches without a bias


@pytest.mark.parametrize(
    "settings", [{}, {"init_values": 0.3}, REGISTERS, {**REGISTERS, "no_embed_class": True}]
)
def test_logits_are_those_of_the_library_with_a_step_behind_each_module(settings: Any) -> None:
    module = trained(small_vit(**settings), "mapped")
    model = small_vit_model(**settings).double()
    parts = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
    places = ["norm", *(f"blocks.{block}.{part}" for block in range(3) for part in parts)]
    assert set(module.gamma) == {p.replace(".", "/") for p in (*places, "patch_embed.proj")}
    for place in places:
        model.get_submodule(place).register_forward_hook(
            lambda _, __, out, place=place: changed(module, place, out)
        )
    model.patch_embed.proj.register_forward_hook(
        lambda _, __, out: changed(module, "patch_embed.proj", out.movedim(1, -1)).movedim(-1, 1)
    )
    images = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    found = module(images)
    assert torch.allclose(found, model(images)[:, :3], atol=1e-9)
    plain = module.head(module.backbone.encode_image(images))
    assert not torch.allclose(found, plain, atol=1e-3)


def unmerged(module: Any, visual: Any, images: Tensor) -> Tensor:
    """CLIP's image tower by the book, one step after the other."""
    x = visual.conv1(images).flatten(2).transpose(1, 2)
    x = changed(module, "patch_embed.proj", x)
    cls = visual.class_embedding.expand(len(x), 1, -1)
    x = visual.ln_pre(torch.cat((cls, x), 1) + visual.positional_embedding)
    for number, block in enumerate(visual.transformer.resblocks):

        def step(part: str, out: Tensor, number: int = number) -> Tensor:
            return changed(module, f"blocks.{number}.{part}", out)

        attn = block.attn
        y = step("norm1", block.ln_1(x))
        qkv = step("attn.qkv", F.linear(y, attn.in_proj_weight, attn.in_proj_bias))
        q, k, v = qkv.view(*x.shape[:2], 3, attn.num_heads, -1).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1)
        mixed = (weights @ v).transpose(1, 2).flatten(2)
        x = x + step("attn.proj", attn.out_proj(mixed))
        y = step("mlp.fc1", block.mlp.c_fc(step("norm2", block.ln_2(x))))
        x = x + step("mlp.fc2", block.mlp.c_proj(block.mlp.gelu(y)))
    features: Tensor = changed(module, "norm", visual.ln_post(x[:, 0])) @ visual.proj
    return features


def test_on_clip_whose_patches_have_no_bias_it_is_exact_too() -> None:
    module, model = trained(small_clip(), "linear"), small_model().double()
    assert "norm_pre" not in module.gamma
    assert sum(len(value) for value in module.gamma.values()) == (11 * 3 + 2) * 48
    images = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    expected = module.head(unmerged(module, model.visual, images))
    assert torch.allclose(module(images), expected, atol=1e-9)


def test_a_library_model_that_holds_the_merged_weights_gives_equal_logits() -> None:
    module, model = trained(small_vit(), "mapped"), small_vit_model().double()
    _, unknown = model.load_state_dict(module.merged(), strict=False)
    assert not unknown
    images = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    assert torch.allclose(module(images), model(images)[:, :3], atol=1e-10)


def test_an_absent_head_is_refused() -> None:
    assert "head text" in (SSF.skip(SSF.params(head="text"), small_vit().info) or "")
    assert SSF.skip(SSF.params(), small_vit().info) is None
