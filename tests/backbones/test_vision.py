"""Every way into a timm ViT against a plain, slow forward over the library's own modules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from timm.layers.mlp import SwiGLU
from torch import Tensor

from sweeper.backbones import image_tower
from sweeper.backbones.block import run_block
from sweeper.backbones.prompts import Prompts
from sweeper.backbones.shortcuts import ALL, PLAIN, Shortcuts
from sweeper.backbones.vision import VisionBackbone, oddities
from tests.small_vit import small_vit, small_vit_model

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE)
PLACES = pytest.mark.parametrize("place", ["end", "after_cls"])


def pair(dtype: torch.dtype = torch.float64, **settings: Any) -> tuple[VisionBackbone, Any]:
    """The backbone and the library's own model with the same weights."""
    backbone = small_vit(**settings)
    backbone._model.to(dtype)
    settings.pop("pooling", None)
    return backbone, small_vit_model(**settings).to(dtype)


def draw(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def attention(block: Any, tokens: Tensor, prompts: Tensor | None, heat: float = 1.0) -> Tensor:
    """Softmax attention by the book, one head after the other; `prompts` [2, h, r, D / h]."""
    batch, width = len(tokens), tokens.shape[-1]
    heads = block.attn.num_heads
    each = width // heads
    q, k, v = block.attn.qkv(tokens).split(width, dim=-1)
    outputs = []
    for head in range(heads):
        part = slice(head * each, (head + 1) * each)
        key, value = k[..., part], v[..., part]
        if prompts is not None:
            key = torch.cat((prompts[0, head].expand(batch, -1, -1), key), 1)
            value = torch.cat((prompts[1, head].expand(batch, -1, -1), value), 1)
        weights = (q[..., part] @ key.transpose(1, 2) / each**0.5 / heat).softmax(-1)
        outputs.append(weights @ value)
    return block.attn.proj(torch.cat(outputs, -1))


def plain(model: Any, images: Tensor, prompts: Prompts, pooling: str = "cls") -> Tensor:
    """All tokens through all blocks, prompts before the patches, then the pooled norm."""
    x = model.norm_pre(model._pos_embed(model.patch_embed(images)))
    count, c = 0, model.num_prefix_tokens
    for i, block in enumerate(model.blocks):
        later = i - prompts.first_block  # blocks since the first one with prompts
        fresh = prompts.tokens if later == 0 else None
        if later > 0 and prompts.deeper is not None:
            fresh = prompts.deeper[later - 1]
        if fresh is not None:
            x = torch.cat((x[:, :c], fresh.expand(len(x), -1, -1), x[:, c + count :]), 1)
            count = fresh.shape[-2]
        before = x
        key_values = None
        if prompts.keys is not None and prompts.values is not None:
            key_values = torch.stack((prompts.keys[i], prompts.values[i]))
        heat = 1.0 if prompts.temperature is None else prompts.temperature[i].item()
        x = x + attention(block, block.norm1(x), key_values, heat)
        x = x + block.mlp(block.norm2(x))
        if prompts.gates is not None and i < len(model.blocks) - 1:
            gate, where = prompts.gates[i], slice(c, c + count)
            x[:, where] = gate * x[:, where] + (1 - gate) * before[:, where]
    if model.global_pool == "avg":  # where timm takes the mean, its norm may be before it
        x = model.norm(x)
    pooled = {"cls": x[:, 0], "mean": x[:, c:].mean(1), "patches": x[:, c + count :].mean(1)}
    return (model.fc_norm if model.global_pool == "avg" else model.norm)(pooled[pooling])


VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "layer scale": {"init_values": 0.3},
    "norm before the blocks": {"pre_norm": True},
    "registers": {"reg_tokens": 3},
    "positions of patches alone": {"no_embed_class": True},
    "registers, positions of patches alone": {"reg_tokens": 3, "no_embed_class": True},
    "mean, then norm": {"global_pool": "avg"},
    "norm, then mean": {"global_pool": "avg", "fc_norm": False},
    "mean beside registers": {"global_pool": "avg", "reg_tokens": 2, "fc_norm": False},
    "no CLS": {"class_token": False, "global_pool": "avg"},
    "registers without CLS": {
        "class_token": False,
        "global_pool": "avg",
        "reg_tokens": 2,
        "no_embed_class": True,
    },
    "no final norm": {"final_norm": False},
    "any image size": {"dynamic_img_size": True},
    "tanh": {"act_layer": "gelu_tanh"},
}


@DTYPES
@pytest.mark.parametrize("settings", VARIANTS.values(), ids=list(VARIANTS))
def test_without_prompts_features_are_those_of_the_library(
    dtype: torch.dtype, settings: dict[str, Any]
) -> None:
    backbone, model = pair(dtype, **settings)
    images = draw(3, 3, 32, 32, dtype=dtype)
    expected = model.forward_head(model.forward_features(images), pre_logits=True)
    found = backbone.encode_image(images)
    assert (found - expected).abs().max().item() < TOLERANCE[dtype]
    logits = model(images)
    assert (backbone.head_logits(found) - logits).abs().max().item() < TOLERANCE[dtype]
    trace, traced = backbone.trace_image(images)
    assert (traced - expected).abs().max().item() < TOLERANCE[dtype]
    assert trace.inputs[0].shape[1] == backbone.info.prefix + backbone.info.patches
    assert backbone.embed_image(images).shape == trace.inputs[0].shape


@pytest.mark.parametrize("settings", VARIANTS.values(), ids=list(VARIANTS))
def test_gradients_to_the_pixels_are_those_of_the_library(settings: dict[str, Any]) -> None:
    backbone, model = pair(**settings)
    fast, slow = (draw(2, 3, 32, 32).requires_grad_() for _ in range(2))
    weight = draw(2, 48, seed=3)
    expected = model.forward_head(model.forward_features(slow), pre_logits=True)
    torch.autograd.backward([(backbone.encode_image(fast) * weight).sum()])
    torch.autograd.backward([(expected * weight).sum()])
    assert fast.grad is not None
    assert slow.grad is not None
    assert slow.grad.abs().max().item() > 1e-4
    assert (fast.grad - slow.grad).abs().max().item() < 1e-10


@pytest.mark.parametrize(
    "none",
    [
        Prompts(torch.zeros(0, 48)),
        Prompts(torch.zeros(0, 48), deeper=torch.zeros(2, 0, 48)),
        Prompts(torch.zeros(0, 48), gates=torch.ones(2)),
        Prompts(keys=torch.zeros(3, 4, 0, 12), values=torch.zeros(3, 4, 0, 12)),
    ],
)
def test_zero_prompts_are_the_forward_of_the_library(none: Prompts) -> None:
    backbone, model = pair(torch.float32)
    images = draw(2, 3, 32, 32, dtype=torch.float32)
    expected = model.forward_head(model.forward_features(images), pre_logits=True)
    found = backbone.encode_image(images, none)
    assert (found - expected).abs().max().item() < TOLERANCE[torch.float32]


LATE = {
    "tokens from block 1": Prompts(draw(5, 48), first_block=1),
    "tokens from the last block": Prompts(draw(2, 5, 48), first_block=2),
    "replaced from block 1": Prompts(draw(5, 48), deeper=draw(1, 5, 48, seed=1), first_block=1),
    "replaced from the last block": Prompts(draw(5, 48), deeper=draw(0, 5, 48), first_block=2),
}
CASES = LATE | {
    "shared tokens": Prompts(draw(5, 48)),
    "tokens of each image": Prompts(draw(2, 5, 48)),
    "replaced in every block": Prompts(draw(5, 48), deeper=draw(2, 5, 48, seed=1)),
    "replaced, of each image": Prompts(draw(2, 5, 48), deeper=draw(2, 2, 5, 48, seed=1)),
    "another number in later blocks": Prompts(draw(5, 48), deeper=draw(2, 3, 48, seed=1)),
    "keys and values": Prompts(keys=draw(3, 4, 2, 12), values=draw(3, 4, 2, 12, seed=1)),
    "tokens, keys and values": Prompts(
        draw(5, 48),
        deeper=draw(2, 5, 48, seed=1),
        keys=draw(3, 4, 2, 12, seed=2),
        values=draw(3, 4, 2, 12, seed=3),
    ),
    "gates and temperatures": Prompts(
        draw(5, 48),
        gates=torch.tensor([0.2, 0.9], dtype=torch.float64),
        temperature=torch.tensor([0.5, 2.0, 1.5], dtype=torch.float64),
    ),
}


@PLACES
@pytest.mark.parametrize("pooling", ["cls", "mean", "patches"])
@pytest.mark.parametrize("case", CASES)
def test_every_way_in_equals_a_plain_forward(case: str, pooling: Any, place: Any) -> None:
    backbone, model = pair(pooling=pooling)
    given = CASES[case]
    prompts = Prompts(**{**vars(given), "place": place})
    images = draw(2, 3, 32, 32, seed=9)
    expected = plain(model, images, given, pooling)
    assert (backbone.encode_image(images, prompts) - expected).abs().max().item() < 1e-10
    assert (backbone.encode_image(images) - expected).abs().max().item() > 1e-4
    trace, features = backbone.trace_image(images, prompts)
    assert (features - expected).abs().max().item() < 1e-10
    assert len(trace.inputs) == 4
    assert all(torch.allclose(a.sum(-1), torch.ones_like(a[..., 0])) for a in trace.attention)


@PLACES
@pytest.mark.parametrize("case", ["tokens of each image", "replaced in every block"])
@pytest.mark.parametrize(
    "variant",
    ["registers, positions of patches alone", "norm, then mean", "registers without CLS"],
)
def test_prompts_beside_registers_and_without_cls_equal_a_plain_forward(
    variant: str, case: str, place: Any
) -> None:
    backbone, model = pair(**VARIANTS[variant])
    prompts = Prompts(**{**vars(CASES[case]), "place": place})
    images = draw(2, 3, 32, 32, seed=9)
    expected = plain(model, images, CASES[case], backbone.info.pooling)
    assert (backbone.encode_image(images, prompts) - expected).abs().max().item() < 1e-10
    trace, features = backbone.trace_image(images, prompts)
    assert (features - expected).abs().max().item() < 1e-10
    assert all(torch.allclose(a.sum(-1), torch.ones_like(a[..., 0])) for a in trace.attention)


def test_attention_without_cls_is_that_of_the_mean_token() -> None:
    backbone, model = pair(**VARIANTS["no CLS"])
    images = draw(2, 3, 32, 32)
    trace, _ = backbone.trace_image(images)
    block = model.blocks[0]
    q, k, _ = block.attn.qkv(block.norm1(trace.inputs[0])).split(48, dim=-1)
    rows = [
        (q[..., part] @ k[..., part].transpose(1, 2) / 12**0.5).softmax(-1).mean(1)
        for part in (slice(12 * head, 12 * head + 12) for head in range(4))
    ]
    assert (trace.attention[0] - torch.stack(rows, 1)).abs().max().item() < 1e-10


@pytest.mark.parametrize("shortcut", [None, "fused", "replaced", "last"])
@pytest.mark.parametrize("case", CASES)
def test_each_shortcut_by_itself_and_none_equal_a_plain_forward(
    case: str, shortcut: str | None
) -> None:
    taken = PLAIN if shortcut is None else replace(PLAIN, **{shortcut: True})
    images = draw(2, 3, 32, 32, seed=9)
    for pooling in ("cls", "mean", "patches"):
        backbone, model = pair(pooling=pooling)
        backbone._image = replace(backbone._image, shortcuts=taken)
        expected = plain(model, images, CASES[case], pooling)
        found = backbone.encode_image(images, CASES[case])
        assert (found - expected).abs().max().item() < 1e-10, pooling


@pytest.mark.parametrize("pooling", ["cls", "mean", "patches"])
@pytest.mark.parametrize("case", LATE)
def test_from_the_tokens_that_enter_a_block_features_are_those_of_the_images(
    case: str, pooling: Any
) -> None:
    backbone, model = pair(pooling=pooling)
    images, prompts = draw(2, 3, 32, 32, seed=9), LATE[case]
    entering = backbone.enter(images, prompts.first_block)
    seen = backbone.trace_image(images)[0].inputs[prompts.first_block]
    assert (entering - seen).abs().max().item() < 1e-10
    expected = plain(model, images, prompts, pooling)
    assert (backbone.encode_from(entering, prompts) - expected).abs().max().item() < 1e-10


def test_blocks_below_the_first_prompt_are_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone, seen = small_vit(), []

    def watched(block: Any, *own: Any, **ways: Any) -> Tensor:
        seen.append(block._prefix)
        return run_block(block, *own, **ways)

    monkeypatch.setattr(image_tower, "run_block", watched)
    tokens = backbone.enter(draw(1, 3, 32, 32).float(), 2)
    assert seen == ["blocks.0.", "blocks.1."]
    backbone.encode_from(tokens, Prompts(draw(5, 48).float(), first_block=2))
    assert seen[2:] == ["blocks.2."]


def rows_read(monkeypatch: pytest.MonkeyPatch, taken: Shortcuts) -> list[tuple[int, int | None]]:
    """For each block the tokens that it is given, and how many of its outputs are asked for."""
    backbone, seen = small_vit(shortcuts=taken), []

    def watched(block: Any, tokens: Tensor, **ways: Any) -> Tensor:
        seen.append((tokens.shape[1], ways["read"]))
        assert ways["fused"] is taken.fused
        return run_block(block, tokens, **ways)

    monkeypatch.setattr(image_tower, "run_block", watched)
    tokens, deeper = draw(5, 48).float(), draw(2, 5, 48).float()
    backbone.encode_image(draw(1, 3, 32, 32).float(), Prompts(tokens, deeper=deeper))
    return seen


def test_shortcuts_leave_out_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rows_read(monkeypatch, PLAIN) == [(22, None), (22, None), (22, None)]
    assert rows_read(monkeypatch, ALL) == [(17, None), (17, None), (17, 1)]
    assert rows_read(monkeypatch, replace(ALL, last=False))[-1] == (17, None)
    assert rows_read(monkeypatch, replace(ALL, replaced=False))[-1] == (22, 1)


def test_gradients_of_all_prompts_equal_those_of_a_plain_forward() -> None:
    backbone, model = pair()
    images, weight = draw(2, 3, 32, 32), draw(2, 48, seed=5)
    shapes = {"tokens": (5, 48), "deeper": (2, 5, 48), "keys": (3, 4, 2, 12)}
    shapes["values"] = shapes["keys"]
    fast, slow = ({n: draw(*s).requires_grad_() for n, s in shapes.items()} for _ in range(2))
    torch.autograd.backward((backbone.encode_image(images, Prompts(**fast)) * weight).sum())
    torch.autograd.backward((plain(model, images, Prompts(**slow)) * weight).sum())
    for name, value in fast.items():
        assert value.grad is not None
        assert slow[name].grad is not None
        assert value.grad.abs().max().item() > 1e-4, name
        assert (value.grad - slow[name].grad).abs().max().item() < 1e-10, name


def test_weights_in_their_place_equal_a_model_that_holds_them() -> None:
    backbone, model = pair()
    images = draw(2, 3, 32, 32)
    changed = {
        name: value + 0.1 * draw(*value.shape, seed=len(name))
        for name, value in backbone.image_weights.items()
    }
    model.load_state_dict(changed, strict=False)
    expected = model.forward_head(model.forward_features(images), pre_logits=True)
    found = backbone.encode_image(images, weights=changed)
    assert (found - expected).abs().max().item() < 1e-10
    assert (backbone.encode_image(images) - expected).abs().max().item() > 0.01


def test_weights_of_no_name_or_of_another_shape_are_refused() -> None:
    backbone = small_vit()
    for name, shape in (("blocks.3.norm1.bias", (48,)), ("blocks.0.norm1.bias", (47,))):
        with pytest.raises(ValueError, match=name):
            backbone.encode_image(draw(1, 3, 32, 32).float(), weights={name: torch.ones(shape)})


def test_adapters_see_the_output_of_each_mlp_and_replace_it() -> None:
    backbone, model = pair()
    images, matrix = draw(2, 3, 32, 32), draw(3, 48, 48) / 48
    for number, block in enumerate(model.blocks):
        block.mlp.register_forward_hook(
            lambda _, __, out, number=number: out + torch.relu(out @ matrix[number])
        )
    expected = model.forward_head(model.forward_features(images), pre_logits=True)
    found = backbone.encode_image(
        images, adapter=lambda number, out: out + torch.relu(out @ matrix[number])
    )
    assert (found - expected).abs().max().item() < 1e-10


def test_trace_holds_the_tokens_between_the_blocks_of_the_library() -> None:
    backbone, model = pair()
    images = draw(2, 3, 32, 32)
    seen: list[Tensor] = []
    for block in model.blocks:
        block.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    model.forward_features(images)
    trace, _ = backbone.trace_image(images, draw(0, 48))
    for found, expected in zip(trace.inputs, seen, strict=False):
        assert (found - expected).abs().max().item() < 1e-10
    assert trace.inputs[0].equal(backbone.embed_image(images))


def test_prompts_that_do_not_go_together_are_refused() -> None:
    tokens = draw(2, 48)
    with pytest.raises(ValueError, match="deeper"):
        Prompts(tokens, deeper=draw(2, 2, 48), gates=draw(2))
    with pytest.raises(ValueError, match="tokens"):
        Prompts(gates=draw(2))
    with pytest.raises(ValueError, match="together"):
        Prompts(keys=draw(3, 4, 2, 12))
    with pytest.raises(ValueError, match="of all blocks"):
        Prompts(tokens, gates=draw(2), first_block=1)


@pytest.mark.parametrize("block", [-1, 3])
def test_a_first_block_that_there_is_not_is_refused(block: int) -> None:
    with pytest.raises(ValueError, match=f"first_block {block} of 3 blocks"):
        small_vit().encode_image(draw(1, 3, 32, 32).float(), Prompts(first_block=block))


def test_more_prompts_than_the_backbone_takes_are_refused() -> None:
    backbone = small_vit()
    with pytest.raises(ValueError, match="1101 prompts; 'random-vit' takes 1100"):
        backbone.encode_image(draw(1, 3, 32, 32).float(), torch.zeros(1101, 48))


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"qk_norm": True}, "attention"),
        ({"qkv_bias": False}, "biases"),
        ({"scale_attn_norm": True}, "norms inside"),
        ({"pos_embed": "none"}, "no positions"),
        ({"global_pool": "map"}, "pooling 'map'"),
        ({"global_pool": "avg", "pool_include_prefix": True}, "pooling 'avg'"),
        ({"mlp_layer": SwiGLU}, "SwiGLU"),
        ({"attn_layer": "diff"}, "DiffAttention"),
        ({"embed_norm_layer": "layernorm"}, "one convolution"),
        ({"norm_layer": "rmsnorm"}, "layer norm"),
    ],
)
def test_what_is_no_plain_vit_is_refused(settings: dict[str, Any], word: str) -> None:
    assert any(word in odd for odd in oddities(small_vit_model(**settings)))
    with pytest.raises(ValueError, match=word):
        small_vit(**settings)


def test_nothing_trains_and_a_text_is_refused() -> None:
    backbone = small_vit()
    assert not any(tensor.requires_grad for tensor in backbone.tensors().values())
    assert backbone.info.ways == {"input_tokens", "block_tokens", "weights", "head"}
    assert "head" not in small_vit(num_classes=0).info.ways
    for call in (lambda: backbone.classifier(["a"], "{}"), lambda: backbone.embed_text(["a"])):
        with pytest.raises(ValueError, match="no text tower"):
            call()
