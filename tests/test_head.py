from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from sweeper.head import HeadInit, HeadKind, LinearHead, head_refusal, make_head
from sweeper.seeds import generator
from tests.small_clip import small_clip
from tests.small_vit import small_vit, small_vit_model

CLASSES = ("red", "green", "blue")
CLIP, VIT = small_clip(), small_vit()


def build(kind: HeadKind, backbone: Any, init: HeadInit = "normal", seed: int = 0) -> nn.Module:
    return make_head(
        kind,
        backbone=backbone,
        classes=CLASSES,
        template="a {}",
        init=init,
        draw=generator(seed, "head"),
    )


def test_text_head_gives_scaled_cosines_and_saves_nothing() -> None:
    head, features = build("text", CLIP), torch.randn(4, 24)
    text = CLIP.classifier(CLASSES, "a {}")
    for feature, logits in zip(features, head(features), strict=True):
        for k in range(3):
            cosine = feature @ text[k] / (feature.norm() * text[k].norm())
            assert logits[k].item() == pytest.approx(CLIP.logit_scale * cosine.item(), abs=1e-4)
    assert not head.state_dict()
    assert not list(head.parameters())


def test_mapped_head_gives_the_first_outputs_of_the_weights_own() -> None:
    head, images = build("mapped", VIT), torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = small_vit_model()(images)[:, :3]
        assert torch.allclose(head(VIT.encode_image(images)), expected, atol=1e-5)
    assert not head.state_dict()


def test_mapped_head_refuses_more_classes_than_it_has_outputs() -> None:
    with pytest.raises(ValueError, match=r"3 classes; the head of .* has 2"):
        build("mapped", small_vit(num_classes=2))


def chosen(kind: HeadKind, backbone: Any, outputs: tuple[int, ...]) -> nn.Module:
    return make_head(
        kind,
        backbone=backbone,
        classes=CLASSES,
        template="a {}",
        init="normal",
        draw=generator(0, "head"),
        outputs=outputs,
    )


def test_the_outputs_that_stand_for_the_classes_can_be_chosen() -> None:
    head, images = chosen("mapped", VIT, (5, 0, 2)), torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = small_vit_model()(images)[:, [5, 0, 2]]
        assert torch.allclose(head(VIT.encode_image(images)), expected, atol=1e-5)
    features = torch.randn(4, 24)
    swapped = chosen("text", CLIP, (2, 1, 0))(features)
    assert torch.equal(swapped, build("text", CLIP)(features).flip(1))


def test_outputs_that_are_not_there_or_too_few_are_refused() -> None:
    with pytest.raises(ValueError, match="2 outputs for 3 classes"):
        chosen("mapped", VIT, (0, 1))
    with pytest.raises(ValueError, match=r"output 3 for 3 classes; the head of .* has 3"):
        chosen("mapped", small_vit(num_classes=3), (0, 3, 1))
    with pytest.raises(ValueError, match="output 3 of the texts of 3 classes"):
        chosen("text", CLIP, (0, 1, 3))


@pytest.mark.parametrize("backbone", [CLIP, VIT], ids=["clip", "vit"])
def test_linear_head_is_affine_and_trains_a_row_and_a_bias_a_class(backbone: Any) -> None:
    head = build("linear", backbone)
    width = backbone.info.embed_dim
    assert {n: tuple(p.shape) for n, p in head.named_parameters()} == {
        "weight": (3, width),
        "bias": (3,),
    }
    with torch.no_grad():
        head.get_parameter("bias").copy_(torch.tensor([1.0, 2.0, 3.0]))
    feature = torch.randn(width)
    for k, logit in enumerate(head(feature[None])[0]):
        expected = (head.get_parameter("weight")[k] * feature).sum() + k + 1
        assert logit.item() == pytest.approx(expected.item(), abs=1e-5)


# a normal cut at two deviations has 0.8796 of its standard deviation
@pytest.mark.parametrize(
    ("init", "std", "largest", "bias"),
    [
        ("normal", 0.8796 * 0.02, 0.04, 0.0),
        ("small_normal", 0.8796 * 0.01, 0.02, 0.0),
        ("kaiming", math.sqrt(2 / 500), math.inf, -math.log(99)),
    ],
)
def test_linear_head_starts_as_its_source_says(
    init: HeadInit, std: float, largest: float, bias: float
) -> None:
    head = LinearHead(400, 500, init, generator(0, "large"))
    assert head.weight.std().item() == pytest.approx(std, rel=0.01)
    assert abs(head.weight.mean().item()) < std / 50
    assert head.weight.abs().max().item() <= largest
    assert torch.allclose(head.bias, torch.tensor(bias))


def test_linear_head_draws_from_its_generator_alone_and_others_from_none() -> None:
    one, same, other = (build("linear", VIT, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.get_parameter("weight"), same.get_parameter("weight"))
    assert not torch.equal(one.get_parameter("weight"), other.get_parameter("weight"))
    plain: list[tuple[HeadKind, Any]] = [("text", CLIP), ("mapped", VIT)]
    for kind, backbone in plain:
        draw = generator(0, "untouched")
        before = draw.get_state()
        make_head(
            kind,
            backbone=backbone,
            classes=CLASSES,
            template="{}",
            init="normal",
            draw=draw,
        )
        assert torch.equal(draw.get_state(), before)


def test_refusals_name_the_head_and_what_is_missing() -> None:
    assert "head text needs a text tower" in (head_refusal("text", VIT.info) or "")
    assert "head mapped needs a classifier" in (head_refusal("mapped", CLIP.info) or "")
    bare = small_vit(num_classes=0).info
    assert "head mapped needs a classifier" in (head_refusal("mapped", bare) or "")
    allowed: list[tuple[HeadKind, Any]] = [("text", CLIP), ("mapped", VIT)]
    allowed += [("linear", CLIP), ("linear", VIT)]
    for kind, backbone in allowed:
        assert head_refusal(kind, backbone.info) is None
