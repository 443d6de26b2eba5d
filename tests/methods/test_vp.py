from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from sweeper import discovery
from sweeper.backbones.clip import ClipBackbone
from tests.base_vit import base_vit
from tests.small_vit import small_vit, small_vit_model

VP: Any = discovery.find("vp", Path())
CLASSES = ("red", "green", "blue")


def build(backbone: Any, seed: int = 0, **params: Any) -> Any:
    settings = VP.params(**params)
    return VP.module(
        backbone=backbone, classes=CLASSES, template="a {}", params=settings, seed=seed
    )


@pytest.mark.parametrize(
    ("shape", "size", "parameters"),
    [
        ("padding", 30, 69_840),
        ("padding", 112, 150_528),
        ("fixed_patch", 1, 3),
        ("fixed_patch", 224, 150_528),
        ("random_patch", 30, 2_700),
    ],
)
def test_count_at_224_pixels(shape: str, size: int, parameters: int) -> None:
    backbone = base_vit()
    module = build(backbone, shape=shape, size=size, head="mapped")
    assert sum(p.numel() for p in module.parameters()) == parameters
    formula = 2 * 3 * size * (448 - 2 * size) if shape == "padding" else 3 * size**2
    assert formula == parameters


def test_the_count_over_twelve_data_sets_that_pgn_prints_does_not_come_out() -> None:
    assert f"{12 * 69_840 / 1e6:.2f}" == "0.84"  # PGN Table 5: 0.94


@pytest.mark.parametrize("size", [1, 5, 16])
def test_frame_lies_around_the_image_pixel_by_pixel(backbone: ClipBackbone, size: int) -> None:
    module = build(backbone, size=size)
    found = module.prompt()
    assert found.shape == (1, 3, 32, 32)
    for y in range(32):
        for x in range(32):
            if y < size:
                expected = module.pad_up[0, :, y, x]
            elif y >= 32 - size:
                expected = module.pad_down[0, :, y - (32 - size), x]
            elif x < size:
                expected = module.pad_left[0, :, y - size, x]
            elif x >= 32 - size:
                expected = module.pad_right[0, :, y - size, x - (32 - size)]
            else:
                expected = torch.zeros(3)
            assert torch.equal(found[0, :, y, x], expected), (y, x)


def patched(patch: Tensor, top: int, left: int) -> Tensor:
    canvas = torch.zeros(1, 3, 32, 32)
    for y in range(patch.shape[2]):
        for x in range(patch.shape[3]):
            canvas[0, :, top + y, left + x] = patch[0, :, y, x].detach()
    return canvas


@pytest.mark.parametrize("size", [1, 7, 32])
def test_fixed_patch_lies_in_the_top_left_corner(backbone: ClipBackbone, size: int) -> None:
    module = build(backbone, shape="fixed_patch", size=size)
    assert torch.equal(module.prompt(), patched(module.patch, 0, 0))
    assert torch.equal(module.eval().prompt(), patched(module.patch, 0, 0))


def test_random_patch_reaches_every_corner_in_training_the_last_one_too(
    backbone: ClipBackbone,
) -> None:
    module = build(backbone, shape="random_patch", size=30)
    corners = {(y, x): patched(module.patch, y, x) for y in range(3) for x in range(3)}
    seen = set()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for _ in range(100):
            found = module.prompt()
            seen |= {place for place, canvas in corners.items() if torch.equal(found, canvas)}
    assert seen == set(corners)


def test_random_patch_is_decided_by_the_stream_that_the_loop_seeds(backbone: ClipBackbone) -> None:
    module, images = build(backbone, shape="random_patch"), torch.randn(2, 3, 32, 32)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(5)
        first, second = module(images), module(images)
        torch.manual_seed(5)
        assert torch.equal(module(images), first)
        assert not torch.equal(first, second)


def test_random_patch_stands_still_in_evaluation_where_its_state_says(
    backbone: ClipBackbone,
) -> None:
    module = build(backbone, shape="random_patch").eval()
    before = torch.random.get_rng_state()
    still = module.prompt()
    assert torch.equal(module.prompt(), still)
    assert torch.equal(torch.random.get_rng_state(), before)
    other = build(backbone, seed=2, shape="random_patch").eval()
    assert not torch.equal(other.corner, module.corner)
    other.load_state_dict(module.state_dict())
    assert torch.equal(other.prompt(), still)


def test_a_random_patch_as_large_as_the_image_runs(backbone: ClipBackbone) -> None:
    module = build(backbone, shape="random_patch", size=32)
    assert torch.equal(module.prompt(), module.patch)


def test_logits_are_the_text_head_on_the_image_with_its_pixels(backbone: ClipBackbone) -> None:
    module, images = build(backbone, size=5), torch.randn(2, 3, 32, 32)
    z = backbone.encode_image(images + module.prompt())
    text = backbone.classifier(CLASSES, "a {}")
    expected = backbone.logit_scale * (z / z.norm(dim=-1, keepdim=True)) @ text.T
    assert torch.allclose(module(images), expected, atol=1e-4)


def test_on_a_vision_model_logits_are_the_first_outputs_of_its_own_head() -> None:
    module, images = build(small_vit(), head="mapped"), torch.randn(2, 3, 32, 32)
    expected = small_vit_model()(images + module.prompt())[:, :3]
    assert torch.allclose(module(images), expected, atol=1e-5)
    module(images).sum().backward()
    assert all(p.grad.abs().max() > 0 for p in module.parameters())


def test_the_head_of_its_own_is_text_where_there_is_a_text_tower(backbone: ClipBackbone) -> None:
    images = torch.randn(2, 3, 32, 32)
    for network, kind in ((backbone, "text"), (small_vit(), "mapped")):
        own, named = build(network, head="own"), build(network, head=kind)
        assert torch.equal(own(images), named(images))
        assert VP.skip(VP.params(head="own"), network.info) is None
    assert "head mapped" in (VP.skip(VP.params(head="own"), small_vit(num_classes=0).info) or "")


def test_other_outputs_stand_for_the_classes_where_they_are_named(backbone: ClipBackbone) -> None:
    images = torch.randn(2, 3, 32, 32)
    for network in (backbone, small_vit()):
        plain, swapped = build(network, head="own"), build(network, head="own", outputs="2,1,0")
        assert torch.equal(swapped(images), plain(images).flip(1))
    far = build(small_vit(), head="mapped", outputs="7,0,3")
    expected = small_vit_model()(images + far.prompt())[:, [7, 0, 3]]
    assert torch.allclose(far(images), expected, atol=1e-5)


def test_outputs_are_no_part_of_a_trial_that_names_none() -> None:
    assert "outputs" not in VP.params().model_dump()
    assert VP.params(outputs="1,0").model_dump()["outputs"] == "1,0"
    for wrong in ("1,", "a", "1, 0", "-1"):
        with pytest.raises(ValidationError, match="outputs"):
            VP.params(outputs=wrong)
    info = small_vit(num_classes=3).info
    reason = VP.skip(VP.params(head="mapped", outputs="0,3"), info)
    assert reason == "outputs 0,3: its head has 3, from 0 on"
    assert VP.skip(VP.params(head="mapped", outputs="0,2"), info) is None


def test_a_frame_of_half_the_image_trains_without_a_middle(backbone: ClipBackbone) -> None:
    module = build(backbone, size=16)
    assert module.pad_left.numel() == module.pad_right.numel() == 0
    module(torch.randn(2, 3, 32, 32)).sum().backward()
    assert module.pad_up.grad.abs().min() > 0


@pytest.mark.parametrize("shape", ["padding", "fixed_patch", "random_patch"])
def test_pixels_start_as_standard_normals_each_part_its_own(
    backbone: ClipBackbone, shape: str
) -> None:
    parts = list(build(backbone, shape=shape, size=16).parameters())
    for values in (part for part in parts if part.numel()):
        assert values.std().item() == pytest.approx(1, rel=0.05)
        assert abs(values.mean().item()) < 4 / math.sqrt(values.numel())
    if shape == "padding":
        assert not torch.equal(parts[0], parts[1])


def test_pixels_that_do_not_fit_and_absent_heads_are_refused(backbone: ClipBackbone) -> None:
    def reason(info: Any, **params: Any) -> str | None:
        found: str | None = VP.skip(VP.params(**params), info)
        return found

    assert reason(backbone.info, size=16) is None
    assert reason(backbone.info, size=17) == "size 17 on both sides is more than its 32 pixels"
    for shape in ("fixed_patch", "random_patch"):
        assert reason(backbone.info, shape=shape, size=32) is None
        assert reason(backbone.info, shape=shape, size=33) == "size 33 is more than its 32 pixels"
    assert "head mapped" in (reason(backbone.info, head="mapped") or "")
    assert "head text" in (reason(small_vit().info) or "")
    assert reason(small_vit().info, head="mapped") is None
