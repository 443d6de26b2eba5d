from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sweeper import discovery
from sweeper.backbones.clip import ClipBackbone
from tests.base_vit import base_vit
from tests.small_vit import small_vit, small_vit_model

FT: Any = discovery.find("ft", Path())
CLASSES = ("red", "green", "blue")


def build(backbone: Any, **params: Any) -> Any:
    settings = FT.params(**params)
    return FT.module(backbone=backbone, classes=CLASSES, template="a {}", params=settings, seed=0)


def count(module: Any) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def test_count_at_vit_b16_is_the_tower_and_the_head() -> None:
    assert count(build(base_vit(), head="mapped")) == 85_798_656
    assert count(build(base_vit())) == 85_798_656 + 3 * 769


def test_the_count_that_pgn_prints_is_twelve_rounded_towers_of_b16_and_no_other_sum() -> None:
    b16, clip_b32 = 85_798_656, 87_849_216
    assert 12 * round(b16 / 1e6) == 1032  # PGN Table 5: 1032M
    assert round(12 * b16 / 1e6) == 1030
    assert round(12 * clip_b32 / 1e6) == 1054


@pytest.mark.parametrize("head", ["linear", "text"])
def test_every_weight_of_the_tower_trains_and_none_of_the_backbone(
    backbone: ClipBackbone, head: str
) -> None:
    module = build(backbone, head=head)
    own = sum(value.numel() for value in backbone.image_weights.values())
    assert count(module) == own + (3 * 25 if head == "linear" else 0)
    before = {name: value.clone() for name, value in backbone.image_weights.items()}
    module(torch.randn(2, 3, 32, 32))[:, 0].sum().backward()
    idle = [name for name, p in module.tower.items() if p.grad is None or not p.grad.any()]
    assert not idle
    with torch.no_grad():
        for value in module.parameters():
            value.add_(1)
    assert all(torch.equal(before[n], v) for n, v in backbone.image_weights.items())


def test_it_starts_as_the_frozen_tower(backbone: ClipBackbone) -> None:
    module, images = build(backbone), torch.randn(2, 3, 32, 32)
    assert torch.equal(module(images), module.head(backbone.encode_image(images)))


def test_changed_weights_give_what_the_library_gives_with_them() -> None:
    module, model = build(small_vit(), head="mapped"), small_vit_model()
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        before = module(images)
        for value in module.tower.values():
            value.add_(0.1 * torch.randn_like(value))
        state = {name.replace("/", "."): value for name, value in module.tower.items()}
        missing, unknown = model.load_state_dict(state, strict=False)
        assert set(missing) == {"head.weight", "head.bias"}
        assert not unknown
        assert torch.allclose(module(images), model(images)[:, :3], atol=1e-4)
        assert not torch.allclose(module(images), before, atol=1e-3)


def test_an_absent_head_is_refused(backbone: ClipBackbone) -> None:
    assert "head text" in (FT.skip(FT.params(head="text"), small_vit().info) or "")
    assert "head mapped" in (FT.skip(FT.params(head="mapped"), backbone.info) or "")
    assert FT.skip(FT.params(), small_vit().info) is None
