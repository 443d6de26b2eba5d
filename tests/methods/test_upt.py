from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from open_clip.tokenizer import tokenize
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper import discovery
from sweeper.backbones.clip import ClipBackbone
from tests.small_clip import CONFIG, small_clip, small_model

UPT: Any = discovery.find("upt", Path())
CLASSES = ("Red", "dark_green", "crane (bird)")
THETA = {
    name: {k: v for k, v in UPT.presets[name].items() if k in UPT.params.model_fields}
    for name in ("paper", "official")
}
DEEPER_TEXT = {
    **CONFIG,
    "vision_cfg": {**CONFIG["vision_cfg"], "layers": 2},
    "text_cfg": {**CONFIG["text_cfg"], "layers": 4},
}


def build(backbone: ClipBackbone, **params: Any) -> Any:
    settings = UPT.params(**params)
    return UPT.module(backbone=backbone, classes=CLASSES, template="", params=settings, seed=0)


def image_feature(model: Any, images: Tensor, prompts: Tensor, deep: bool) -> Tensor:
    """Unit features [B, E] with prompts [S, m, D] after CLS, by the library's modules."""
    visual = model.visual
    x = visual.conv1(images).flatten(2).transpose(1, 2)
    x = torch.cat((visual.class_embedding.expand(len(x), 1, -1), x), 1)
    x = x + visual.positional_embedding
    every = prompts[:, None].expand(-1, len(x), -1, -1)
    if deep:
        x = visual.ln_pre(x)
        for number, block in enumerate(visual.transformer.resblocks):
            x = block(torch.cat((x[:, :1], every[number], x[:, 1:]), 1))
            x = torch.cat((x[:, :1], x[:, 1 + prompts.shape[1] :]), 1)
    else:
        x = torch.cat((x[:, :1], every[0], x[:, 1:]), 1)
        x = visual.transformer(visual.ln_pre(x))
    return F.normalize(visual.ln_post(x)[:, 0] @ visual.proj, dim=-1)


def text_feature(model: Any, name: str, prompts: Tensor) -> Tensor:
    """The unit feature [E] of one class with prompts [S, m, D_t], before each block if S > 1."""
    length = prompts.shape[1]
    text = " ".join(["X"] * length) + f" {name.replace('_', ' ')}."
    tokens = tokenize([text], context_length=40)
    x = model.token_embedding(tokens)
    x[0, 1 : 1 + length] = prompts[0]
    x = x + model.positional_embedding
    for number, block in enumerate(model.transformer.resblocks):
        if number > 0 and len(prompts) > 1:
            x = torch.cat((x[:, :1], prompts[number][None], x[:, 1 + length :]), 1)
        x = block(x, attn_mask=model.attn_mask)
    return F.normalize(model.ln_final(x)[0, tokens.argmax()] @ model.text_projection, dim=-1)


def norm(layer: nn.LayerNorm, x: Tensor) -> Tensor:
    deviation = x - x.mean(-1, keepdim=True)
    variance = (deviation**2).mean(-1, keepdim=True)
    return layer.weight * deviation / (variance + 1e-5).sqrt() + layer.bias


def feed_forward(layers: Any, x: Tensor) -> Tensor:
    hidden = (x @ layers[0].weight.T + layers[0].bias).clamp(min=0)
    outputs: Tensor = hidden @ layers[-1].weight.T + layers[-1].bias
    return outputs


def theta_of_the_paper(theta: Any, prompts: Tensor) -> Tensor:
    """Eq. 5 on one set [n, D_t]: softmax attention of one head over the n prompts."""
    attention = theta.attention
    query, key, value = (prompts @ attention.in_proj_weight.T + attention.in_proj_bias).chunk(3, -1)
    weights = (query @ key.T / prompts.shape[-1] ** 0.5).softmax(-1)
    mixed = weights @ value @ attention.out_proj.weight.T + attention.out_proj.bias
    normed = norm(theta.norm2, mixed + norm(theta.norm1, prompts))
    return feed_forward(theta.feed_forward, normed) + normed


def theta_of_the_code(theta: Any, prompts: Tensor) -> Tensor:
    """As the public code calls it: the set [n, D_t] as a batch of n sequences of one token."""
    attention = nn.MultiheadAttention(prompts.shape[-1], 1).eval()  # batch_first is False
    attention.load_state_dict(theta.attention.state_dict())
    rows = prompts[None]
    x = norm(theta.norm1, rows + attention(rows, rows, rows)[0])
    return (x + feed_forward(theta.feed_forward, norm(theta.norm2, x)))[0]


def expected_prompts(module: Any, params: dict[str, Any]) -> tuple[Tensor, Tensor]:
    variant, sets = params.get("variant", "upt"), module.prompts
    if variant == "joint":
        return sets, module.image_prompts
    if variant == "shared":
        text = image = sets
    else:
        if variant == "mlp":
            made = feed_forward(module.theta, sets)
        else:
            theta = theta_of_the_code if params == THETA["official"] else theta_of_the_paper
            made = torch.stack([theta(module.theta, each) for each in sets])
        text, image = made[:, :4], made[:, 4:]
    return text, image @ module.to_image.weight.T + module.to_image.bias


def loud(module: Any) -> Any:
    """In `eval` mode, with prompts, norms and biases large enough that leaving one out shows."""
    with torch.no_grad():
        for name, value in module.named_parameters():
            noise = torch.randn(value.shape, generator=torch.Generator().manual_seed(len(name)))
            value.copy_(noise if "prompts" in name else value + 0.2 * noise)
    return module.eval()


@pytest.mark.parametrize("config", [CONFIG, DEEPER_TEXT], ids=["3 and 2 blocks", "2 and 4"])
@pytest.mark.parametrize(
    "params",
    [
        THETA["paper"],
        THETA["official"],
        *(
            {"variant": variant, "layers": layers}
            for variant in ("joint", "shared", "mlp")
            for layers in ("deep", "shallow")
        ),
    ],
    ids=lambda params: "-".join(map(str, params.values())),
)
def test_logits_are_those_of_a_plain_forward_through_the_library(
    params: dict[str, Any], config: dict[str, Any]
) -> None:
    module, model = loud(build(small_clip(config), **params)), small_model(config).eval()
    images = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        text, image = expected_prompts(module, params)
        features = image_feature(model, images, image, deep=params["layers"] == "deep")
        text = torch.stack([text_feature(model, name, text) for name in CLASSES])
        expected = model.logit_scale.exp() * features @ text.T
        assert torch.allclose(module(images), expected, atol=1e-3)


def test_a_prompt_reads_the_others_in_the_paper_and_not_in_the_code(
    backbone: ClipBackbone,
) -> None:
    for preset, unchanged in (("paper", False), ("official", True)):
        module = loud(build(backbone, **THETA[preset]))
        with torch.no_grad():
            text, image = module.both()
            module.prompts[:, 7] += 1
            new_text, new_image = module.both()
        assert torch.equal(text[:, 0], new_text[:, 0]) is unchanged
        assert not torch.equal(image[:, 3], new_image[:, 3])


@pytest.mark.parametrize("variant", ["upt", "shared", "mlp"])
def test_a_deep_set_is_made_into_the_prompts_of_its_own_block_alone(
    backbone: ClipBackbone, variant: str
) -> None:
    module = loud(build(backbone, variant=variant))
    with torch.no_grad():
        kept = [part.clone() for part in module.both()]
        module.prompts[2] += 1
        for old, new in zip(kept, module.both(), strict=True):
            assert torch.equal(old[:2], new[:2])
            assert not torch.equal(old[2], new[2])


@pytest.fixture(scope="module")
def wide() -> ClipBackbone:
    """Both towers as wide, and in name as deep, as ViT-B/16's; only built, never run."""
    config = {
        **CONFIG,
        "vision_cfg": {"image_size": 32, "patch_size": 16, "width": 768, "layers": 1},
        "text_cfg": {**CONFIG["text_cfg"], "width": 512, "layers": 1},
    }
    info = replace(small_clip(config).info, depth=12, text_depth=12)
    return ClipBackbone(small_model(config), info)


@pytest.mark.parametrize(
    ("params", "count"),
    [
        (THETA["official"], 1_976_064),
        (THETA["paper"], 1_976_064 + 11 * 8 * 512),
        ({"variant": "joint"}, 2_048 + 36_864),
        ({"variant": "joint", "layers": "shallow"}, 2_048 + 3_072),
        ({"variant": "shared"}, 12 * 4 * 512 + 393_984),
        ({"variant": "mlp"}, 12 * 8 * 512 + 525_312 + 393_984),
    ],
)
def test_count_at_widths_512_and_768(
    wide: ClipBackbone, params: dict[str, Any], count: int
) -> None:
    assert sum(p.numel() for p in build(wide, **params).parameters()) == count


@pytest.mark.parametrize("variant", ["upt", "joint", "shared", "mlp"])
def test_prompts_start_with_a_standard_deviation_of_002(wide: ClipBackbone, variant: str) -> None:
    named = build(wide, variant=variant, prompt_length=16).named_parameters()
    drawn = [value for name, value in named if "prompts" in name]
    assert len(drawn) == (2 if variant == "joint" else 1)
    for prompts in drawn:
        assert prompts.std().item() == pytest.approx(0.02, rel=0.05)
        assert abs(prompts.mean().item()) < 0.001


@pytest.mark.parametrize(
    ("params", "random"),
    [
        (THETA["paper"], True),
        (THETA["official"], True),
        ({"variant": "mlp"}, True),
        ({**THETA["paper"], "dropout": 0.0}, False),
        ({"variant": "shared"}, False),
        ({"variant": "joint"}, False),
    ],
)
def test_prompts_drop_out_in_training_alone(
    backbone: ClipBackbone, params: dict[str, Any], random: bool
) -> None:
    module = build(backbone, **params)
    for training in (True, False):
        module.train(training)
        one, other = module.both(), module.both()
        differ = [not torch.equal(*pair) for pair in zip(one, other, strict=True)]
        assert differ == [random and training] * 2


def test_presets_are_those_of_paper_and_code() -> None:
    shared = {
        "prompt_length": 4,
        "variant": "upt",
        "optimizer": "sgd",
        "lr": 0.002,
        "batch_size": 32,
        "epochs": 200,
    }
    assert UPT.presets["paper"] == {
        **shared,
        "layers": "deep",
        "attention": "sequence",
        "residual": "normed",
        "schedule": "cosine",
    }
    assert UPT.presets["official"] == {
        **shared,
        "layers": "shallow",
        "attention": "length_one",
        "residual": "plain",
        "schedule": "coop_official",
        "momentum": 0.9,
        "weight_decay": 0.0005,
        "augmentation": "coop",
    }


def test_prompts_that_either_tower_does_not_take_are_refused(backbone: ClipBackbone) -> None:
    def reason(length: int, most: int = 1100) -> str | None:
        info = replace(backbone.info, max_prompts=most)
        found: str | None = UPT.skip(UPT.params(prompt_length=length), info)
        return found

    assert reason(36) is None
    assert "prompt_length 37 leaves no room" in (reason(37) or "")
    assert reason(5, most=5) is None
    assert "prompt_length 5 is more than its 4" in (reason(5, most=4) or "")
