"""The protocol's words about the frozen network, against plain references."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.backbones.clip import ClipBackbone
from sweeper.backbones.prompts import Prompts
from sweeper.backbones.random_vit import random_model, random_vit
from sweeper.backbones.setting import AS_RELEASED, Setting
from sweeper.backbones.vision import VisionBackbone
from sweeper.conformance import keeps
from sweeper.discovery import find
from sweeper.errors import InputError
from sweeper.spec.trial import Protocol
from tests.small_clip import CONFIG, small_clip, small_model

TOLERANCE = 1e-10


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def vit(setting: Setting, pooling: Any = "cls") -> VisionBackbone:
    """The small ViT in float64; put together after it was cast, as a fresh norm is made then."""
    info = setting.described(random_vit(pooling).info)
    return VisionBackbone(random_model().double(), info)


def clip(setting: Setting, **config: Any) -> ClipBackbone:
    settings = {**CONFIG, **config}
    return ClipBackbone(small_model(settings).double(), setting.described(small_clip().info))


def plain_vit(images: Tensor, prompts: Tensor, pooling: str, norm: str, act: Any) -> Tensor:
    """timm's own modules one after the other, prompts at the end."""
    model: Any = random_model().double()
    for block in model.blocks:
        block.mlp.act = act
    x = model.patch_embed(images)
    x = torch.cat((model.cls_token.expand(len(x), -1, -1), x), 1) + model.pos_embed
    x = model.blocks(torch.cat((x, prompts.expand(len(x), -1, -1)), 1))
    end = x.shape[1] - len(prompts)
    pooled = {"cls": x[:, 0], "mean": x[:, 1:].mean(1), "patches": x[:, 1:end].mean(1)}[pooling]
    if norm == "weights":
        return model.norm(pooled)
    return pooled if norm == "none" else F.layer_norm(pooled, (48,), eps=model.norm.eps)


class Quick(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x / (1 + torch.exp(-1.702 * x))


@pytest.mark.parametrize("pooling", ["weights", "cls", "mean", "patches"])
@pytest.mark.parametrize("norm", ["weights", "fresh", "none"])
@pytest.mark.parametrize("activation", ["weights", "quick_gelu"])
def test_a_vit_under_a_setting_is_a_plain_forward(pooling: Any, norm: Any, activation: Any) -> None:
    setting = Setting(pooling=pooling, final_norm=norm, activation=activation)
    images, prompts = draw(2, 3, 32, 32), draw(5, 48, seed=1)
    found = vit(setting)
    act = Quick() if activation == "quick_gelu" else nn.GELU()
    expected = plain_vit(images, prompts, "cls" if pooling == "weights" else pooling, norm, act)
    given = Prompts(tokens=prompts)
    assert (found.encode_image(images, given) - expected).abs().max() < TOLERANCE
    assert (found.trace_image(images, given)[1] - expected).abs().max() < TOLERANCE


@pytest.mark.parametrize("pooling", ["cls", "mean", "patches"])
@pytest.mark.parametrize("norm", ["weights", "fresh", "none"])
def test_a_clip_is_pooled_before_its_norm_and_projection(pooling: Any, norm: Any) -> None:
    found = clip(Setting(pooling=pooling, final_norm=norm))
    visual: Any = small_model().double().visual
    images, prompts = draw(2, 3, 32, 32), draw(5, 48, seed=1)
    x = visual.conv1(images).flatten(2).transpose(1, 2)
    x = torch.cat((visual.class_embedding.expand(len(x), 1, -1), x), 1)
    x = torch.cat((x + visual.positional_embedding, prompts.expand(2, 5, 48)), 1)
    x = visual.transformer(visual.ln_pre(x))
    pooled = {"cls": x[:, 0], "mean": x[:, 1:].mean(1), "patches": x[:, 1:-5].mean(1)}[pooling]
    if norm == "weights":
        pooled = visual.ln_post(pooled)
    elif norm == "fresh":
        pooled = F.layer_norm(pooled, (48,))
    expected = pooled @ visual.proj
    assert (found.encode_image(images, prompts) - expected).abs().max() < TOLERANCE


@pytest.mark.parametrize("trained_with", [False, True])
def test_the_activation_of_both_towers_of_a_clip_can_be_said(trained_with: bool) -> None:
    word: Any = "gelu" if trained_with else "quick_gelu"
    found = clip(Setting(activation=word), quick_gelu=trained_with)
    other = clip(AS_RELEASED, quick_gelu=not trained_with)
    own = clip(AS_RELEASED, quick_gelu=trained_with)
    images, texts = draw(2, 3, 32, 32), ("red", "a green thing")
    assert (found.encode_image(images) - other.encode_image(images)).abs().max() < TOLERANCE
    assert (found.classifier(texts, "{}") - other.classifier(texts, "{}")).abs().max() < TOLERANCE
    assert (found.encode_image(images) - own.encode_image(images)).abs().max() > 1e-3
    assert (found.classifier(texts, "{}") - own.classifier(texts, "{}")).abs().max() > 1e-4
    assert found.info.activation == word


def test_images_are_prepared_as_the_words_say() -> None:
    own = random_vit().info
    assert AS_RELEASED.described(own) == own
    said = Setting(normalisation="clip", resize="squash", interpolation="bilinear").described(own)
    seen = said.preprocessing
    assert seen.mean == (0.48145466, 0.4578275, 0.40821073)
    assert seen.std == (0.26862954, 0.26130258, 0.27577711)
    assert (seen.resize, seen.interpolation, seen.size) == ("squash", "bilinear", 32)
    imagenet = Setting(normalisation="imagenet").described(own).preprocessing
    assert (imagenet.mean, imagenet.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    half = Setting(normalisation="half").described(said).preprocessing
    assert half.mean == half.std == (0.5, 0.5, 0.5)


def test_a_setting_is_what_a_protocol_says() -> None:
    words: dict[str, Any] = {
        "normalisation": "half",
        "resize": "crop",
        "interpolation": "bicubic",
        "activation": "gelu",
        "pooling": "mean",
        "final_norm": "fresh",
    }
    assert Setting.of(Protocol(**words)) == Setting(**words)
    assert Setting.of(Protocol(precision="bf16")) == AS_RELEASED


def test_a_network_without_blocks_of_ours_refuses_what_is_inside_and_takes_what_is_not() -> None:
    whole = replace(random_vit().info, ways=frozenset({"head"}))
    outside = Setting(normalisation="imagenet", resize="squash")
    assert outside.misfit(whole) == ""
    assert outside.described(whole).preprocessing.resize == "squash"
    inside = Setting(activation="gelu", pooling="mean", final_norm="none")
    with pytest.raises(InputError, match="activation: gelu, pooling: mean, final_norm: none needs"):
        inside.described(whole)


def test_the_released_weights_stay_as_they_are() -> None:
    fresh, own = vit(Setting(final_norm="fresh")), vit(AS_RELEASED)
    assert fresh.tensors().keys() == own.tensors().keys()
    assert all(torch.equal(fresh.tensors()[name], own.tensors()[name]) for name in own.tensors())
    assert fresh.image_weights["norm.weight"].unique().tolist() == [1.0]
    assert fresh.image_weights["norm.bias"].unique().tolist() == [0.0]
    assert not any(value.requires_grad for value in fresh.image_weights.values())


@pytest.mark.parametrize("method", ["ft", "ssf", "vpt"])
@pytest.mark.parametrize("norm", ["fresh", "none"])
@pytest.mark.parametrize("promise", ["trains_what_it_says", "state_travels"])
def test_methods_keep_their_promises_under_a_setting(method: str, norm: Any, promise: str) -> None:
    setting = Setting(pooling="mean", final_norm=norm, activation="quick_gelu")
    keeps(promise, find(method, Path()), random_vit(setting=setting))
