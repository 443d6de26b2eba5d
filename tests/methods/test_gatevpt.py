from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from sweeper import discovery
from tests.small_clip import small_clip, small_model
from tests.small_vit import small_vit, small_vit_model

GATEVPT: Any = discovery.find("gatevpt", Path())
CLASSES = ("red", "green", "blue")
VIT, CLIP = small_vit(), small_clip()
B16 = replace(VIT.info, width=768, embed_dim=768, depth=12, heads=12, patch=16)


def build(backbone: Any, **params: Any) -> Any:
    settings = GATEVPT.params(**{"prompt_length": 4, **params})
    return GATEVPT.module(
        backbone=backbone, classes=CLASSES, template="a {}", params=settings, seed=0
    )


def moved(backbone: Any, **params: Any) -> Any:
    """A module whose prompts, gates and temperatures are far from their start."""
    module = build(backbone, **params).eval()
    module.prompts.data = draw(4, 48)
    module.gate_logits.data = torch.tensor([-0.5, 1.5])
    if module.temperatures is not None:
        module.temperatures.data = torch.tensor([0.5, 2.0, 1.5])
    return module


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def through(blocks: Any, x: Tensor, module: Any) -> Tensor:
    """Prompts after CLS; after each block but the last they are mixed with what entered it."""
    gates, p = module.gate_logits.sigmoid(), 4
    for i, block in enumerate(blocks):
        out = block(x)
        if i < len(gates):
            mixed = gates[i] * out[:, 1 : 1 + p] + (1 - gates[i]) * x[:, 1 : 1 + p]
            out = torch.cat((out[:, :1], mixed, out[:, 1 + p :]), 1)
        x = out
    return x


def heated(weight: Tensor, bias: Tensor, temperature: Tensor) -> None:
    """Dividing queries is dividing the attention logits."""
    with torch.no_grad():
        weight[:48] /= temperature
        bias[:48] /= temperature


def plain_vit(images: Tensor, module: Any, pooling: str) -> Tensor:
    model: Any = small_vit_model()
    for block, heat in zip(model.blocks, module.temperatures, strict=True):
        heated(block.attn.qkv.weight, block.attn.qkv.bias, heat)
    x = model.patch_embed(images)
    x = torch.cat((model.cls_token.expand(len(x), -1, -1), x), 1) + model.pos_embed
    x = torch.cat((x[:, :1], module.prompts.expand(len(x), -1, -1), x[:, 1:]), 1)
    x = through(model.blocks, x, module)
    features: Tensor = model.norm(x[:, 0] if pooling == "cls" else x[:, 1:].mean(1))
    return features


def plain_clip(images: Tensor, module: Any) -> Tensor:
    visual: Any = small_model().visual
    for block, heat in zip(visual.transformer.resblocks, module.temperatures, strict=True):
        heated(block.attn.in_proj_weight, block.attn.in_proj_bias, heat)
    x = visual.conv1(images).flatten(2).transpose(1, 2)
    x = (
        torch.cat((visual.class_embedding.expand(len(x), 1, -1), x), 1)
        + visual.positional_embedding
    )
    x = visual.ln_pre(torch.cat((x[:, :1], module.prompts.expand(len(x), -1, -1), x[:, 1:]), 1))
    x = through(visual.transformer.resblocks, x, module)
    features: Tensor = visual.ln_post(x[:, 0]) @ visual.proj
    return features


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_logits_on_a_vit_equal_a_plain_forward(pooling: Any) -> None:
    module, images = moved(small_vit(pooling)), draw(2, 3, 32, 32)
    expected = plain_vit(images, module, pooling) @ module.head.weight.T + module.head.bias
    assert torch.allclose(module(images), expected, atol=1e-4)


def test_logits_on_clip_equal_a_plain_forward() -> None:
    module, images = moved(CLIP), draw(2, 3, 32, 32)
    expected = plain_clip(images, module) @ module.head.weight.T + module.head.bias
    assert torch.allclose(module(images), expected, atol=1e-4)


@pytest.mark.parametrize("name", ["prompts", "gate_logits", "temperatures"])
def test_every_part_moves_the_logits(name: str) -> None:
    module, images = moved(VIT), draw(2, 3, 32, 32)
    before = module(images)
    part = getattr(module, name)
    part.data += draw(*part.shape)
    assert (module(images) - before).abs().max().item() > 1e-2


def test_frozen_temperatures_are_learned_ones_at_one() -> None:
    images, frozen, learned = draw(2, 3, 32, 32), build(VIT, temperature="frozen"), build(VIT)
    assert frozen.temperatures is None
    assert torch.equal(learned.temperatures, torch.ones(3))
    assert torch.allclose(frozen.eval()(images), learned.eval()(images), atol=1e-5)


def test_gates_start_nearly_closed_so_prompts_hardly_change() -> None:
    images, module = draw(2, 3, 32, 32), build(VIT, temperature="frozen").eval()
    assert torch.allclose(module.gate_logits.sigmoid(), torch.full((2,), 4.54e-5), rtol=1e-3)
    started = module(images)
    module.gate_logits.data.fill_(-100.0)
    closed = module(images)
    assert torch.allclose(started, closed, atol=1e-3)
    module.gate_logits.data.fill_(100.0)
    opened = module(images)
    assert (opened - closed).abs().max() > 20 * (started - closed).abs().max()
    assert build(VIT, gate_init=5.0).gate_logits.sigmoid()[0].item() == pytest.approx(
        0.0067, abs=1e-4
    )


def test_temperatures_are_put_back_into_their_bounds_and_still_learn() -> None:
    module, images = moved(VIT), draw(2, 3, 32, 32)
    module.temperatures.data = torch.tensor([0.001, 50.0, 1.0])
    beyond = module(images)
    assert torch.equal(module.temperatures, torch.tensor([0.01, 10.0, 1.0]))
    assert torch.equal(beyond, module(images))
    torch.autograd.backward(beyond.square().sum())
    assert (module.temperatures.grad != 0).all()


@pytest.mark.parametrize(("temperature", "more"), [("frozen", 0), ("learned", 12)])
def test_counts_at_vit_b16_are_prompts_gates_temperatures_and_head(
    temperature: str, more: int
) -> None:
    module = build(SimpleNamespace(info=B16), prompt_length=100, temperature=temperature)
    assert sum(p.numel() for p in module.parameters()) == 76_811 + more + 3 * 769


def test_prompts_fill_the_bound_of_vpt() -> None:
    prompts = build(SimpleNamespace(info=B16), prompt_length=100).prompts
    assert prompts.abs().max().item() == pytest.approx(0.0625, abs=1e-4)
    assert prompts.std().item() == pytest.approx(0.0625 / 3**0.5, rel=0.01)


def test_dropout_masks_differ_by_image_and_stop_in_eval(monkeypatch: pytest.MonkeyPatch) -> None:
    module = build(VIT, prompt_length=50, dropout=0.25)
    seen: list[Any] = []
    encode = VIT.encode_image

    def watched(images: Tensor, prompts: Any) -> Tensor:
        seen.append(prompts.tokens)
        return encode(images, prompts)

    monkeypatch.setattr(VIT, "encode_image", watched)
    image = draw(1, 3, 32, 32).expand(2, -1, -1, -1)
    module.train()(image)
    module.eval()(image)
    zeros = seen[0] == 0
    assert zeros.shape == (2, 50, 48)
    assert zeros.float().mean().item() == pytest.approx(0.25, abs=0.03)
    assert not torch.equal(zeros[0], zeros[1])
    assert torch.allclose(seen[0][~zeros], (module.prompts / 0.75).expand_as(seen[0])[~zeros])
    assert seen[1] is module.prompts


def test_presets_differ_in_the_temperature_that_the_code_freezes() -> None:
    paper, official = GATEVPT.presets["paper"], GATEVPT.presets["official"]
    assert (paper["temperature"], official["temperature"]) == ("learned", "frozen")
    assert (paper["schedule"], official["schedule"]) == ("cosine", "vpt_official")
    for each in (paper, official):
        assert (each["prompt_length"], each["gate_init"], each["dropout"]) == (100, 5.0, 0.1)
        assert (each["lr"], each["weight_decay"], each["batch_size"]) == (0.1, 0.0, 64)
        assert (each["optimizer"], each["epochs"], each["warmup_epochs"]) == ("sgd", 100, 10)


def test_refusals_name_what_is_too_long_or_too_short() -> None:
    most = VIT.info.max_prompts
    assert GATEVPT.skip(GATEVPT.params(prompt_length=most), VIT.info) is None
    long = GATEVPT.skip(GATEVPT.params(prompt_length=most + 1), VIT.info)
    assert f"prompt_length {most + 1}" in (long or "")
    assert "between blocks" in (GATEVPT.skip(GATEVPT.params(), replace(VIT.info, depth=1)) or "")
