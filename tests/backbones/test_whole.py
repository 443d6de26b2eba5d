"""Networks taken whole against the libraries' own forward."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from open_clip.tokenizer import tokenize
from torch import Tensor
from torch.nn import functional as F

from sweeper import discovery
from sweeper.backbones.prompts import Prompts
from sweeper.backbones.whole import WholeBackbone
from sweeper.seeds import derive
from tests.small_networks import CLIPS, SIZES, network, whole

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE)
HEADS = ["resnet", "bit", "eva"]
CLASSES = ("a", "b", "c")


def draw(name: str, dtype: torch.dtype = torch.float32) -> Tensor:
    size = SIZES.get(name, 32)
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0)).to(dtype)


def library(model: Any, images: Tensor) -> Tensor:
    """Features by the library's public calls."""
    if hasattr(model, "encode_image"):
        features: Tensor = model.encode_image(images, normalize=False)
        return features
    found: Tensor = model.forward_head(model.forward_features(images), pre_logits=True)
    return found


@DTYPES
@pytest.mark.parametrize("name", [*HEADS, *CLIPS])
def test_features_and_gradients_to_the_pixels_are_those_of_the_library(
    name: str, dtype: torch.dtype
) -> None:
    backbone, model = whole(name), network(name).to(dtype).eval()
    backbone._model.to(dtype)
    fast, slow = (draw(name, dtype).requires_grad_() for _ in range(2))
    found, expected = backbone.encode_image(fast), library(model, slow)
    assert found.shape == (2, backbone.info.embed_dim)
    assert (found - expected).abs().max().item() < TOLERANCE[dtype]
    torch.autograd.backward([(found**2).sum(), (expected**2).sum()])
    assert fast.grad is not None
    assert slow.grad is not None
    scale = slow.grad.abs().max().item()
    assert scale > 0
    assert (fast.grad - slow.grad).abs().max().item() < TOLERANCE[dtype] * max(1.0, scale)


@DTYPES
@pytest.mark.parametrize("name", HEADS)
def test_the_head_is_the_library_s_own_classifier(name: str, dtype: torch.dtype) -> None:
    backbone, model = whole(name), network(name).to(dtype).eval()
    backbone._model.to(dtype)
    images = draw(name, dtype)
    found = backbone.head_logits(backbone.encode_image(images))
    assert found.shape == (2, backbone.info.head_classes) == (2, 20)
    assert (found - model(images)).abs().max().item() < TOLERANCE[dtype]
    assert backbone.info.ways == {"head"}


@DTYPES
@pytest.mark.parametrize("name", CLIPS)
def test_the_classifier_is_the_library_s_own_text_tower(name: str, dtype: torch.dtype) -> None:
    backbone, model = whole(name), network(name).to(dtype).eval()
    backbone._model.to(dtype)
    texts = tokenize(["photo of red", "photo of dark green"], context_length=40)
    expected = F.normalize(model.encode_text(texts, normalize=False), dim=-1)
    found = backbone.classifier(("Red", "dark_green"), "photo of {}")
    assert (found - expected).abs().max().item() < TOLERANCE[dtype]
    assert backbone.logit_scale == pytest.approx(model.logit_scale.exp().item())
    with pytest.raises(ValueError, match="no head"):
        backbone.head_logits(torch.zeros(1, 24))


def test_text_tokens_are_offered_where_the_text_tower_is_clip_s() -> None:
    assert whole("modified resnet").info.ways == {"text", "text_tokens"}
    embeddings, end = whole("modified resnet").embed_text(["a", "b b"])
    assert whole("modified resnet").encode_text(embeddings, end).shape == (2, 24)
    for name in ("siglip", "coca"):
        assert whole(name).info.ways == {"text"}
        with pytest.raises(ValueError, match="takes texts, not their embeddings"):
            whole(name).embed_text(["a"])


def test_what_has_no_way_in_is_refused_with_the_ways_that_there_are() -> None:
    backbone, images = whole("resnet"), draw("resnet")
    prompts = torch.zeros(1, 32)
    refused: list[tuple[Any, str]] = [
        (lambda: backbone.enter(images, 1), "tokens"),
        (lambda: backbone.encode_from(images, Prompts(first_block=1)), "tokens"),
        (lambda: backbone.encode_image(images, prompts), "prompts"),
        (lambda: backbone.encode_image(images, weights={"a": prompts}), "weights"),
        (lambda: backbone.encode_image(images, adapter=lambda _, x: x), "adapters"),
        (lambda: backbone.trace_image(images), "a trace"),
        (lambda: backbone.embed_image(images), "tokens"),
        (lambda: backbone.image_weights, "weights"),
    ]
    for call, word in refused:
        with pytest.raises(ValueError, match=f"no way in for {word}; it offers pixels, head"):
            call()
    with pytest.raises(ValueError, match="no text tower"):
        backbone.classifier(["a"], "{}")


@pytest.mark.parametrize("name", ["resnet", "modified resnet"])
def test_batch_norms_keep_what_they_hold_and_nothing_trains(name: str) -> None:
    backbone = whole(name)
    before = {n: value.clone() for n, value in backbone.tensors().items()}
    assert any("running_mean" in n for n in before)
    backbone.encode_image(draw(name).requires_grad_()).sum().backward()
    for n, value in backbone.tensors().items():
        assert torch.equal(value, before[n]), n
        assert not value.requires_grad


def test_description_counts_the_tower_without_its_classifier() -> None:
    info, model = whole("resnet").info, network("resnet")
    own = sum(value.numel() for value in model.fc.parameters())
    assert info.parameters == sum(value.numel() for value in model.parameters()) - own
    assert (info.width, info.embed_dim, info.depth, info.patches, info.patch) == (32, 32, 0, 0, 0)
    eva = whole("eva").info
    assert (eva.depth, eva.patches, eva.patch) == (2, 16, 8)
    assert whole("coca").info.patches == 16


def method(name: str, backbone: WholeBackbone, **params: Any) -> Any:
    plugin = discovery.find(name, Path.cwd())
    given = plugin.params(**params)
    assert plugin.skip(given, backbone.info) is None
    return plugin.module(
        backbone=backbone, classes=CLASSES, template="a {}", params=given, seed=derive(0, name)
    )


@pytest.mark.parametrize("name", ["resnet", "bit"])
def test_vp_with_the_mapped_head_trains_its_pixels(name: str) -> None:
    backbone = whole(name)
    module = method("vp", backbone, shape="padding", size=4, head="mapped")
    images = draw(name)
    logits = module(images)
    framed = images + torch.zeros_like(images)
    pixels = dict(module.named_parameters())
    framed[:, :, :4] += pixels["pad_up"]
    framed[:, :, -4:] += pixels["pad_down"]
    framed[:, :, 4:-4, :4] += pixels["pad_left"]
    framed[:, :, 4:-4, -4:] += pixels["pad_right"]
    expected = network(name).eval()(framed)[:, :3]
    assert (logits - expected).abs().max().item() < 1e-4
    F.cross_entropy(logits, torch.tensor([0, 2])).backward()
    assert all(value.grad is not None and value.grad.abs().max() > 0 for value in pixels.values())


@pytest.mark.parametrize("name", ["resnet", "bit", "modified resnet"])
def test_a_linear_probe_reads_its_features(name: str) -> None:
    backbone = whole(name)
    module = method("lp", backbone)
    logits = module(draw(name))
    features = library(network(name).eval(), draw(name))
    assert (logits - F.linear(features, module.weight, module.bias)).abs().max().item() < 1e-4


@pytest.mark.parametrize("name", ["ft", "bitfit", "vpt", "pgn"])
def test_methods_that_need_a_way_in_are_refused_with_the_reason(name: str) -> None:
    plugin = discovery.find(name, Path.cwd())
    reason = plugin.skip(plugin.params(), whole("resnet").info)
    assert reason is not None
    assert "weights" in reason or "tokens" in reason
