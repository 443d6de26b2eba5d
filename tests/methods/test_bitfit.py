from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sweeper import discovery
from sweeper.backbones.clip import ClipBackbone
from tests.base_vit import base_vit
from tests.small_vit import small_vit, small_vit_model

BITFIT: Any = discovery.find("bitfit", Path())
CLASSES = ("red", "green", "blue")


def build(backbone: Any, **params: Any) -> Any:
    settings = BITFIT.params(**params)
    return BITFIT.module(
        backbone=backbone, classes=CLASSES, template="a {}", params=settings, seed=0
    )


def test_count_at_vit_b16() -> None:
    assert sum(p.numel() for p in build(base_vit(), head="mapped").parameters()) == 102_912
    assert (11 * 12 + 2) * 768 == 102_912


# mean over the tasks of FGVC (1,173 classes) and VTAB-1k (940), as VPT Table 1 and SPT print it
@pytest.mark.parametrize(("classes", "printed"), [(1173 / 5, "0.28"), (940 / 19, "0.14")])
def test_count_with_heads_is_what_is_printed(classes: float, printed: str) -> None:
    assert f"{(102_912 + classes * 769) / 1e6:.2f}" == printed


def test_the_biases_of_the_library_and_nothing_else_train() -> None:
    found = {name.replace("/", ".") for name in build(small_vit()).biases}
    named = small_vit_model().named_parameters()
    assert found == {n for n, _ in named if n.endswith("bias") and not n.startswith("head")}


def test_clip_trains_as_many_its_first_norm_in_the_place_of_the_patches(
    backbone: ClipBackbone,
) -> None:
    module = build(backbone, head="text")
    assert sum(p.numel() for p in module.parameters()) == (11 * 3 + 2) * 48
    assert "norm_pre/bias" in module.biases
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(module(images), module.head(backbone.encode_image(images)))


def test_changed_biases_give_what_the_library_gives_with_them() -> None:
    module, model = build(small_vit(), head="mapped"), small_vit_model()
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        before = module(images)
        assert torch.allclose(before, model(images)[:, :3], atol=1e-5)
        for name, value in module.biases.items():
            value.add_(0.3 * torch.randn_like(value))
            model.get_parameter(name.replace("/", ".")).copy_(value)
        assert torch.allclose(module(images), model(images)[:, :3], atol=1e-4)
        assert not torch.allclose(module(images), before, atol=1e-3)


def test_an_absent_head_is_refused() -> None:
    assert "head text" in (BITFIT.skip(BITFIT.params(head="text"), small_vit().info) or "")
    assert BITFIT.skip(BITFIT.params(), small_vit().info) is None
