from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from open_clip.tokenizer import tokenize
from torch import Tensor
from torch.nn import functional as F

from sweeper import discovery
from sweeper.backbones.clip import ClipBackbone
from tests.small_clip import CONFIG, small_clip, small_model

COCOOP: Any = discovery.find("cocoop", Path())
CLASSES = ("Red", "dark_green", "crane (bird)")


def build(backbone: ClipBackbone, **params: Any) -> Any:
    settings = COCOOP.params(**params)
    return COCOOP.module(backbone=backbone, classes=CLASSES, template="", params=settings, seed=0)


def reference(model: Any, image: Tensor, module: Any) -> Tensor:
    """Logits [K] of one image [3, H, W] by the library's modules, one class after the other."""
    z = F.normalize(model.encode_image(image[None])[0], dim=-1)
    net = dict(module.meta_net.named_parameters())
    hidden = (net["linear1.weight"] @ z + net["linear1.bias"]).clamp(min=0)
    context = module.ctx + (net["linear2.weight"] @ hidden + net["linear2.bias"])
    logits = []
    for name in CLASSES:
        text = " ".join(["X"] * len(context)) + f" {name.replace('_', ' ')}."
        tokens = tokenize([text], context_length=40)
        x = model.token_embedding(tokens)
        x[0, 1 : 1 + len(context)] = context
        x = model.transformer(x + model.positional_embedding, attn_mask=model.attn_mask)
        w = F.normalize(model.ln_final(x)[0, tokens.argmax()] @ model.text_projection, dim=-1)
        logits.append(model.logit_scale.exp() * (z @ w))
    return torch.stack(logits)


@pytest.mark.parametrize("params", [{}, {"context_length": 5, "init": "normal"}])
def test_logits_are_those_of_one_image_at_a_time_through_the_library(
    backbone: ClipBackbone, params: dict[str, Any]
) -> None:
    module, model = build(backbone, **params), small_model().eval()
    images = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        z = F.normalize(model.encode_image(images), dim=-1)
        first, second = module.meta_net.linear1, module.meta_net.linear2
        first.weight.normal_().mul_(100)  # strong, so that a shift left out shows
        first.bias.copy_(-(first.weight @ z.T).mean(1))  # the one unit is on for some images
        second.weight.normal_()
        expected = torch.stack([reference(model, image, module) for image in images])
        assert torch.allclose(module(images), expected, atol=1e-4)


def test_images_of_one_pass_and_of_several_get_the_same_logits_and_gradients(
    backbone: ClipBackbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, images, weight = build(backbone), torch.randn(5, 3, 32, 32), torch.randn(5, 3)
    passes: list[int] = []
    encode = backbone.encode_text

    def counted(embeddings: Tensor, end: Tensor) -> Tensor:
        passes.append(len(embeddings))
        return encode(embeddings, end)

    monkeypatch.setattr(backbone, "encode_text", counted)
    outcomes = []
    for texts in (15, 8, 1):
        monkeypatch.setattr(sys.modules[COCOOP.module.__module__], "TEXTS", texts)
        module.zero_grad()
        logits = module(images)
        torch.autograd.backward((logits * weight).sum())
        outcomes.append([logits.detach(), *(p.grad.clone() for p in module.parameters())])
    assert passes == [15, 6, 6, 3, 3, 3, 3, 3, 3]
    for cut in outcomes[1:]:
        for one, other in zip(cut, outcomes[0], strict=True):
            assert torch.allclose(one, other, atol=1e-3, rtol=1e-3)


def test_the_phrase_without_a_shift_is_the_zero_shot_classifier(backbone: ClipBackbone) -> None:
    module, images = build(backbone), torch.randn(2, 3, 32, 32)
    text = backbone.classifier(CLASSES, "a photo of a {}.")
    with torch.no_grad():
        features = F.normalize(backbone.encode_image(images), dim=-1)
        expected = backbone.logit_scale * features @ text.T
        assert not torch.allclose(module(images), expected, atol=1e-4)
        for tensor in module.meta_net.linear2.parameters():
            tensor.zero_()
        assert torch.allclose(module(images), expected, atol=1e-4)


@pytest.fixture(scope="module")
def wide() -> ClipBackbone:
    """Text tower and joint space of the width of ViT-B/32's."""
    text = {**CONFIG["text_cfg"], "width": 512, "layers": 1}
    return small_clip({**CONFIG, "embed_dim": 512, "text_cfg": text})


def test_count_at_width_512_is_35360(wide: ClipBackbone) -> None:
    module = build(wide)
    assert sum(p.numel() for p in module.parameters()) == 35_360
    assert module.meta_net.linear1.weight.shape == (32, 512)


def test_a_joint_width_below_16_leaves_one_hidden_unit(backbone: ClipBackbone) -> None:
    narrow = ClipBackbone(small_model(), replace(backbone.info, embed_dim=8))
    assert build(narrow).meta_net.linear1.weight.shape == (1, 8)


def test_starts_are_the_phrase_or_normal_and_torchs_own(wide: ClipBackbone) -> None:
    tokens = tokenize(["a photo of a"])[0, 1:5]
    module = build(wide)
    assert torch.equal(module.ctx, wide.tensors()["token_embedding.weight"][tokens])
    drawn = build(wide, init="normal", context_length=16).ctx
    assert drawn.std().item() == pytest.approx(0.02, rel=0.05)
    assert abs(drawn.mean().item()) < 0.001
    for layer, inputs in ((module.meta_net.linear1, 512), (module.meta_net.linear2, 32)):
        bound = inputs**-0.5  # U(-bound, bound)
        assert 0.95 * bound < layer.weight.abs().max().item() <= bound
        assert layer.bias.abs().max().item() <= bound


def test_presets_are_those_of_paper_and_code() -> None:
    paper = {
        "context_length": 4,
        "init": "phrase",
        "optimizer": "sgd",
        "lr": 0.002,
        "batch_size": 1,
        "epochs": 10,
        "schedule": "coop_official",
    }
    assert COCOOP.presets["paper"] == paper
    code = {"momentum": 0.9, "weight_decay": 0.0005, "augmentation": "coop"}
    assert COCOOP.presets["official"] == {**paper, **code}


def test_contexts_that_do_not_fit_are_refused(backbone: ClipBackbone) -> None:
    def reason(**params: Any) -> str | None:
        found: str | None = COCOOP.skip(COCOOP.params(**params), backbone.info)
        return found

    assert reason() is None
    assert reason(init="normal", context_length=36) is None
    assert "context_length 37" in (reason(init="normal", context_length=37) or "")
    assert "init phrase has 4 tokens, context_length is 8" in (reason(context_length=8) or "")
