from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from sweeper import discovery
from sweeper.backbones.clip import ClipBackbone
from tests.base_vit import base_vit
from tests.small_vit import small_vit, small_vit_model

LORA: Any = discovery.find("lora", Path())
CLASSES = ("red", "green", "blue")


def build(backbone: Any, **params: Any) -> Any:
    settings = LORA.params(**params)
    return LORA.module(backbone=backbone, classes=CLASSES, template="a {}", params=settings, seed=0)


def trained() -> Any:
    """In float64, on a timm ViT, with B away from zero."""
    module = build(small_vit(), rank=3, scale=0.7, head="mapped").double()
    module.backbone._model.double()
    with torch.no_grad():
        module.up.normal_(std=0.3, generator=torch.Generator().manual_seed(0))
    return module


@pytest.mark.parametrize(("rank", "parameters"), [(8, 294_912), (4, 147_456)])
def test_count_at_vit_b16(rank: int, parameters: int) -> None:
    module = build(base_vit(), rank=rank, head="mapped")
    assert sum(p.numel() for p in module.parameters()) == parameters == 4 * 12 * 768 * rank


def test_the_count_that_spt_prints_does_not_come_out_with_heads_of_vtab() -> None:
    assert f"{(294_912 + 940 / 19 * 769) / 1e6:.2f}" == "0.33"  # SPT Table S4: 0.32
    assert f"{294_912 / 1e6:.2f}" == "0.29"  # NOAH


def test_logits_are_those_of_the_library_with_a_second_path_beside_queries_and_values() -> None:
    module, model = trained(), small_vit_model().double()
    blocks: Any = model.blocks
    for number, block in enumerate(blocks):

        def beside(_: Any, inputs: Any, out: Any, number: int = number) -> Any:
            x, out = inputs[0], out.clone()
            for part, rows in ((0, slice(0, 48)), (1, slice(96, 144))):
                path = x @ module.down[number, part].T @ module.up[number, part].T
                out[..., rows] += 0.7 * path
            return out

        block.attn.qkv.register_forward_hook(beside)
    images = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    assert torch.allclose(module(images), model(images)[:, :3], atol=1e-10)
    plain = small_vit_model().double()(images)[:, :3]
    assert not torch.allclose(module(images), plain, atol=1e-2)


def test_a_library_model_that_holds_the_merged_weights_gives_equal_logits() -> None:
    module, model = trained(), small_vit_model().double()
    merged = module.merged()
    assert set(merged) == {f"blocks.{block}.attn.qkv.weight" for block in range(3)}
    for name, value in merged.items():
        keys = slice(48, 96)
        assert torch.equal(value[keys], module.backbone.image_weights[name][keys])
    _, unknown = model.load_state_dict(merged, strict=False)
    assert not unknown
    images = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    assert torch.allclose(module(images), model(images)[:, :3], atol=1e-10)


def test_it_starts_as_the_frozen_tower(backbone: ClipBackbone) -> None:
    module, images = build(backbone), torch.randn(2, 3, 32, 32)
    assert torch.equal(module(images), module.head(backbone.encode_image(images)))
    assert not module.up.any()


def test_a_is_uniform_as_in_loras_own_code_and_another_in_each_place(
    backbone: ClipBackbone,
) -> None:
    down, bound = build(backbone, rank=48).down.detach(), 1 / math.sqrt(48)
    linear = torch.empty(48, 48)
    torch.nn.init.kaiming_uniform_(linear, a=math.sqrt(5), generator=torch.Generator())
    assert linear.abs().max().item() == pytest.approx(bound, rel=0.01)
    assert 0.999 * bound < down.abs().max().item() <= bound
    assert down.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert len({round(part.sum().item(), 6) for part in down.flatten(0, 1)}) == 6


def test_a_rank_above_the_width_and_an_absent_head_are_refused(backbone: ClipBackbone) -> None:
    assert LORA.skip(LORA.params(rank=48), backbone.info) is None
    assert LORA.skip(LORA.params(rank=49), backbone.info) == "rank 49 is more than its width 48"
    assert "head text" in (LORA.skip(LORA.params(head="text"), small_vit().info) or "")
