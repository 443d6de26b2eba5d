from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sweeper import discovery
from sweeper.backbones.clip import ClipBackbone
from tests.small_clip import CONFIG, small_clip
from tests.small_vit import small_vit

IIP: Any = discovery.find("iip", Path())
CLASSES = ("red", "green", "blue")


def build(backbone: Any, **params: Any) -> Any:
    settings = IIP.params(**params)
    return IIP.module(backbone=backbone, classes=CLASSES, template="a {}", params=settings, seed=0)


@pytest.mark.parametrize(("length", "parameters"), [(16, 12_288), (8, 6_144)])
def test_count_at_width_768_is_length_times_width(length: int, parameters: int) -> None:
    vision = {"image_size": 32, "patch_size": 32, "width": 768, "layers": 1}
    module = build(small_clip({**CONFIG, "vision_cfg": vision}), prompt_length=length)
    assert sum(p.numel() for p in module.parameters()) == parameters


def test_prompts_start_with_a_standard_deviation_of_002(backbone: ClipBackbone) -> None:
    prompts = build(backbone, prompt_length=1000).prompts
    assert prompts.std().item() == pytest.approx(0.02, rel=0.02)
    assert abs(prompts.mean().item()) < 0.001


def test_logits_are_scaled_cosines_of_prompted_features(backbone: ClipBackbone) -> None:
    module, images = build(backbone, prompt_length=5), torch.randn(2, 3, 32, 32)
    text = backbone.classifier(CLASSES, "a {}")
    with torch.no_grad():
        for image, logits in zip(images, module(images), strict=True):
            z = backbone.encode_image(image[None], module.prompts)[0]
            for k in range(3):
                expected = backbone.logit_scale * (z @ text[k]) / (z.norm() * text[k].norm())
                assert torch.allclose(logits[k], expected, atol=1e-4)


def test_prompts_longer_than_the_backbone_takes_are_refused(backbone: ClipBackbone) -> None:
    limit = backbone.info.max_prompts
    assert IIP.skip(IIP.params(prompt_length=limit), backbone.info) is None
    assert str(limit) in (IIP.skip(IIP.params(prompt_length=limit + 1), backbone.info) or "")


def test_mapped_head_on_a_vision_model_reads_the_first_outputs_of_its_own() -> None:
    vit, images = small_vit(), torch.randn(2, 3, 32, 32)
    module = build(vit, prompt_length=5, head="mapped")
    expected = vit.head_logits(vit.encode_image(images, module.prompts))[:, :3]
    assert torch.equal(module(images), expected)
    assert list(module.state_dict()) == ["prompts"]


def test_linear_head_trains_beside_the_prompts_which_start_as_without_it() -> None:
    module = build(small_vit(), head="linear")
    assert {name for name, _ in module.named_parameters()} == {
        "prompts",
        "head.weight",
        "head.bias",
    }
    assert torch.equal(module.prompts, build(small_vit(), head="mapped").prompts)
    module(torch.randn(2, 3, 32, 32)).sum().backward()
    assert all(p.grad.abs().max() > 0 for p in module.parameters())


def test_a_head_that_the_backbone_lacks_is_refused(backbone: ClipBackbone) -> None:
    assert "head text" in (IIP.skip(IIP.params(), small_vit().info) or "")
    assert "head mapped" in (IIP.skip(IIP.params(head="mapped"), backbone.info) or "")
    assert IIP.skip(IIP.params(head="mapped"), small_vit().info) is None
