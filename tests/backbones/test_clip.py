from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from open_clip.tokenizer import tokenize
from torch import Tensor
from torch.nn import functional as F

from sweeper.backbones.clip import ClipBackbone
from sweeper.backbones.clip_config import TOWER
from sweeper.backbones.prompts import Prompts
from sweeper.backbones.shortcuts import ALL, PLAIN
from sweeper.errors import InputError
from tests.small_clip import CONFIG, small_clip, small_model

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE)
ACTIVATIONS = pytest.mark.parametrize("quick_gelu", [False, True])


def pair(dtype: torch.dtype, quick_gelu: bool = False) -> tuple[ClipBackbone, Any]:
    """The backbone and the library's own model with the same weights."""
    config = {**CONFIG, "quick_gelu": quick_gelu}
    model = small_model(config).to(dtype).eval()
    return ClipBackbone(small_model(config).to(dtype), small_clip().info), model


def draw(*shape: int, dtype: torch.dtype, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def reference(model: Any, images: Tensor, prompts: Tensor) -> Tensor:
    """The library's modules one after the other, with prompts [B, p, D] put in at the end."""
    visual = model.visual
    x = visual.conv1(images).flatten(2).transpose(1, 2)
    x = torch.cat((visual.class_embedding.expand(len(x), 1, -1), x), 1)
    x = torch.cat((x + visual.positional_embedding, prompts), 1)
    x = visual.transformer(visual.ln_pre(x))
    return visual.ln_post(x)[:, 0] @ visual.proj


@DTYPES
@ACTIVATIONS
def test_without_prompts_features_are_those_of_the_library(
    dtype: torch.dtype, quick_gelu: bool
) -> None:
    backbone, model = pair(dtype, quick_gelu)
    images = draw(3, 3, 32, 32, dtype=dtype)
    with torch.no_grad():
        expected = model.encode_image(images)
    error = (backbone.encode_image(images) - expected).abs().max().item()
    assert error < TOLERANCE[dtype]


@DTYPES
@ACTIVATIONS
def test_classifier_is_the_text_tower_of_the_library(dtype: torch.dtype, quick_gelu: bool) -> None:
    backbone, model = pair(dtype, quick_gelu)
    classes = ("Red", "dark_green", "a much longer name")
    texts = ["photo of red!", "photo of dark green!", "photo of a much longer name!"]
    with torch.no_grad():
        expected = model.encode_text(tokenize(texts, context_length=40), normalize=True)
    found = backbone.classifier(classes, "photo of {}!")
    assert (found - expected).abs().max().item() < TOLERANCE[dtype]
    assert torch.allclose(found.norm(dim=-1), torch.ones(3, dtype=dtype))


@DTYPES
@pytest.mark.parametrize("shared", [True, False])
def test_prompts_and_their_gradients_equal_a_plain_forward(
    dtype: torch.dtype, shared: bool
) -> None:
    backbone, model = pair(dtype, quick_gelu=True)
    images, weight = draw(2, 3, 32, 32, dtype=dtype), draw(2, 24, dtype=dtype, seed=1)
    shape = (5, 48) if shared else (2, 5, 48)
    fast, slow = (draw(*shape, dtype=dtype, seed=2).requires_grad_() for _ in range(2))
    found = backbone.encode_image(images, fast)
    expected = reference(model, images, slow.expand(2, 5, 48))
    assert (found - expected).abs().max().item() < TOLERANCE[dtype]
    torch.autograd.backward([(found * weight).sum(), (expected * weight).sum()])
    assert fast.grad is not None
    assert slow.grad is not None
    assert slow.grad.abs().max().item() > 1e-3
    assert (fast.grad - slow.grad).abs().max().item() < TOLERANCE[dtype]


def by_block(model: Any, images: Tensor, prompts: Prompts) -> Tensor:
    """Prompts at the end of the sequence, replaced before each block, over the library's blocks."""
    visual = model.visual
    x = visual.conv1(images).flatten(2).transpose(1, 2)
    x = torch.cat((visual.class_embedding.expand(len(x), 1, -1), x), 1)
    x = visual.ln_pre(x + visual.positional_embedding)
    beside = x.shape[1]
    sets = [prompts.tokens, *prompts.deeper]
    if not prompts.normed and not prompts.first_block:
        sets[0] = visual.ln_pre(sets[0])
    sets = [torch.empty(0, x.shape[-1]).to(x)] * prompts.first_block + sets
    for block, fresh in zip(visual.transformer.resblocks, sets, strict=True):
        x = block(torch.cat((x[:, :beside], fresh.expand(len(x), -1, -1)), 1))
    return visual.ln_post(x)[:, 0] @ visual.proj


@DTYPES
@pytest.mark.parametrize("normed", [True, False])
def test_prompts_of_each_block_equal_a_plain_forward(dtype: torch.dtype, normed: bool) -> None:
    backbone, model = pair(dtype, quick_gelu=True)
    images, tokens = draw(2, 3, 32, 32, dtype=dtype), draw(4, 48, dtype=dtype, seed=1)
    prompts = Prompts(tokens, normed=normed, deeper=draw(2, 4, 48, dtype=dtype, seed=2))
    expected = by_block(model, images, prompts)
    assert (backbone.encode_image(images, prompts) - expected).abs().max().item() < TOLERANCE[dtype]
    _, traced = backbone.trace_image(images, prompts)
    assert (traced - expected).abs().max().item() < TOLERANCE[dtype]
    other = Prompts(**{**vars(prompts), "normed": not normed})
    assert (backbone.encode_image(images, other) - expected).abs().max().item() > 1e-3


@DTYPES
@pytest.mark.parametrize("normed", [True, False])
def test_late_prompts_equal_a_plain_forward_and_pass_no_first_norm(
    dtype: torch.dtype, normed: bool
) -> None:
    backbone, model = pair(dtype)
    images, tokens = draw(2, 3, 32, 32, dtype=dtype), draw(4, 48, dtype=dtype, seed=1)
    deeper = draw(1, 4, 48, dtype=dtype, seed=2)
    prompts = Prompts(tokens, normed=normed, deeper=deeper, first_block=1)
    expected = by_block(model, images, prompts)
    kept = backbone.encode_from(backbone.enter(images, 1), prompts)
    for found in (kept, backbone.encode_image(images, prompts)):
        assert (found - expected).abs().max().item() < TOLERANCE[dtype]


@DTYPES
@pytest.mark.parametrize("shortcut", ["all", "none", "fused", "cut"])
def test_changed_token_embeddings_equal_the_text_tower_of_the_library(
    dtype: torch.dtype, shortcut: str
) -> None:
    backbone, model = pair(dtype)
    alone = {} if shortcut == "none" else {shortcut: True}
    taken = ALL if shortcut == "all" else replace(PLAIN, **alone)
    backbone._texts._tower = replace(backbone._texts._tower, shortcuts=taken)
    texts = ["x x red", "x x dark green thing"]
    embeddings, end = backbone.embed_text(texts)
    context, deeper = draw(2, 32, dtype=dtype), draw(1, 2, 32, dtype=dtype, seed=1)
    ids = tokenize(texts, context_length=CONFIG["text_cfg"]["context_length"])
    x = model.token_embedding(ids)
    assert torch.equal(embeddings, x[:, : embeddings.shape[1]])
    assert embeddings.shape[1] == (int(end.max()) + 1 if taken.cut else 40)
    x[:, 1:3] = context
    states = x + model.positional_embedding
    for i, block in enumerate(model.transformer.resblocks):
        if i > 0:
            states[:, 1:3] = deeper[i - 1]
        states = block(states, attn_mask=model.attn_mask)
    rows = model.ln_final(states)[torch.arange(2), ids.argmax(-1)]
    embeddings = torch.cat((embeddings[:, :1], context.expand(2, -1, -1), embeddings[:, 3:]), dim=1)
    found = backbone.encode_text(embeddings, end, deeper)
    assert (found - rows @ model.text_projection).abs().max().item() < TOLERANCE[dtype]
    assert (found - backbone.encode_text(embeddings, end)).abs().max().item() > 1e-3


def test_every_weight_of_the_image_tower_has_a_name_and_takes_part() -> None:
    backbone, model = pair(torch.float64)
    own = {id(value) for value in backbone.image_weights.values()}
    tower = backbone._model.visual.named_parameters()
    assert own == {id(value) for _, value in tower}
    assert sum(v.numel() for v in backbone.image_weights.values()) == backbone.info.parameters
    images = draw(1, 3, 32, 32, dtype=torch.float64)
    before = backbone.encode_image(images)
    for name, value in backbone.image_weights.items():
        changed = value + draw(*value.shape, dtype=torch.float64)
        moved = backbone.encode_image(images, weights={name: changed}) - before
        assert moved.abs().max().item() > 1e-9, name
    del model


def test_a_clip_has_no_head_of_its_own() -> None:
    backbone, _ = pair(torch.float32)
    assert "head" not in backbone.info.ways
    with pytest.raises(ValueError, match="no head"):
        backbone.head_logits(torch.zeros(1, 24))


def test_gradients_reach_the_images_too() -> None:
    backbone, model = pair(torch.float64)
    fast, slow = (draw(2, 3, 32, 32, dtype=torch.float64).requires_grad_() for _ in range(2))
    torch.autograd.backward([backbone.encode_image(fast).sum(), model.encode_image(slow).sum()])
    assert fast.grad is not None
    assert slow.grad is not None
    assert (fast.grad - slow.grad).abs().max().item() < 1e-10


def test_each_image_gets_its_own_prompts() -> None:
    backbone, _ = pair(torch.float64)
    images, prompts = draw(2, 3, 32, 32, dtype=torch.float64), draw(2, 4, 48, dtype=torch.float64)
    both = backbone.encode_image(images, prompts)
    alone = backbone.encode_image(images[1:], prompts[1])
    assert torch.allclose(both[1:], alone, atol=1e-12)


def test_nothing_trains_and_train_mode_changes_nothing() -> None:
    model = small_model().train()
    backbone = ClipBackbone(model, small_clip().info)
    images = draw(2, 3, 32, 32, dtype=torch.float32)
    before = backbone.encode_image(images)
    assert not any(tensor.requires_grad for tensor in backbone.tensors().values())
    assert not before.requires_grad
    model.train()
    assert torch.equal(backbone.encode_image(images), before)
    assert not isinstance(backbone, torch.nn.Module)


def test_tensors_names_every_weight_and_buffer() -> None:
    model = small_model()
    names = ClipBackbone(model, small_clip().info).tensors().keys()
    assert names == {*model.state_dict(), "attn_mask"}


def test_classifier_is_computed_once_for_classes_and_template() -> None:
    backbone, _ = pair(torch.float32)
    first = backbone.classifier(["a", "b"], "x {}")
    assert backbone.classifier(("a", "b"), "x {}") is first
    assert not torch.equal(backbone.classifier(("b", "a"), "x {}"), first)
    assert not torch.equal(backbone.classifier(("a", "b"), "y {}"), first)


def test_without_shortcuts_a_classifier_is_computed_each_time() -> None:
    backbone = small_clip(shortcuts=PLAIN)
    first, again = (backbone.classifier(["a", "b"], "x {}") for _ in range(2))
    assert first is not again
    assert torch.equal(first, again)


def test_class_texts_that_would_be_cut_are_refused_all_at_once() -> None:
    backbone, _ = pair(torch.float32)
    fits, long = " ".join("a" * 38), " ".join("a" * 39)
    backbone.classifier((fits,), "{}")  # 38 tokens between start and end: exactly 40
    with pytest.raises(InputError) as caught:
        backbone.classifier((long, fits, f"{long} p"), "{}")
    assert [str(each.where) for each in caught.value.problems] == [
        f"class text '{long}'",
        f"class text '{long} p'",
    ]
    assert "at most 40 tokens" in str(caught.value)


def test_logit_scale_is_the_exponential_of_the_weights_own() -> None:
    backbone, model = pair(torch.float32)
    assert backbone.logit_scale == pytest.approx(model.logit_scale.exp().item())


VARIANTS: dict[str, dict[str, Any]] = {
    "mean of normed tokens": {"pool_type": "avg"},
    "norm behind the mean": {"pool_type": "avg", "final_ln_after_pool": True},
    "no norm before the blocks": {"no_ln_pre": True},
    "layer scale": {"ls_init_value": 0.3},
    "CLIPA": {"pool_type": "avg", "final_ln_after_pool": True, "no_ln_pre": True},
}


@DTYPES
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_of_the_image_tower_are_those_of_the_library(
    dtype: torch.dtype, variant: str
) -> None:
    config = {**CONFIG, "vision_cfg": {**CONFIG["vision_cfg"], **VARIANTS[variant]}}
    backbone, model = small_clip(config), small_model(config).to(dtype).eval()
    backbone._model.to(dtype)
    fast, slow = (draw(2, 3, 32, 32, dtype=dtype).requires_grad_() for _ in range(2))
    weight = draw(2, 24, dtype=dtype, seed=1)
    found, expected = backbone.encode_image(fast), model.encode_image(slow)
    assert (found - expected).abs().max().item() < TOLERANCE[dtype]
    torch.autograd.backward([(found * weight).sum(), (expected * weight).sum()])
    assert fast.grad is not None
    assert slow.grad is not None
    assert (fast.grad - slow.grad).abs().max().item() < TOLERANCE[dtype]
    assert sum(v.numel() for v in model.visual.parameters()) == backbone.info.parameters
    assert backbone.info.pooling == ("mean" if "pool_type" in VARIANTS[variant] else "cls")


def test_a_mean_takes_prompts_in() -> None:
    vision = {**CONFIG["vision_cfg"], "pool_type": "avg"}
    config = {**CONFIG, "vision_cfg": vision}
    backbone, model = small_clip(config), small_model(config).double().eval()
    backbone._model.double()
    images, prompts = draw(2, 3, 32, 32, dtype=torch.float64), draw(2, 5, 48, dtype=torch.float64)
    visual = model.visual
    x = visual.conv1(images).flatten(2).transpose(1, 2)
    x = torch.cat((visual.class_embedding.expand(2, 1, -1), x), 1) + visual.positional_embedding
    x = visual.transformer(visual.ln_pre(torch.cat((x, prompts), 1)))
    expected = visual.ln_post(x)[:, 1:].mean(1) @ visual.proj
    assert (backbone.encode_image(images, prompts) - expected).abs().max().item() < 1e-10


@DTYPES
@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"no_causal_mask": True}, "not causal"),
        ({"pool_type": "last"}, "not read at the end"),
        ({"proj_bias": True}, "another projection"),
        ({"scale_fc": True}, "other blocks"),
    ],
)
def test_other_text_towers_classify_as_the_library_and_take_no_embeddings(
    dtype: torch.dtype, settings: dict[str, Any], word: str
) -> None:
    config = {**CONFIG, "text_cfg": {**CONFIG["text_cfg"], **settings}}
    backbone, model = small_clip(config), small_model(config).to(dtype).eval()
    backbone._model.to(dtype)
    assert backbone.info.ways == {"input_tokens", "block_tokens", "weights", "text"}
    texts = tokenize(["photo of red", "photo of dark green"], context_length=40)
    expected = model.encode_text(texts, normalize=True)
    found = backbone.classifier(("Red", "dark_green"), "photo of {}")
    assert (found - expected).abs().max().item() < TOLERANCE[dtype]
    with pytest.raises(ValueError, match=word):
        backbone.embed_text(["a"])


def test_a_clip_without_a_text_tower_has_the_other_ways() -> None:
    info = replace(small_clip().info, ways=TOWER)
    model = torch.nn.ModuleDict({"visual": small_model().visual})
    backbone = ClipBackbone(model, info)
    images = draw(2, 3, 32, 32, dtype=torch.float32)
    assert torch.equal(backbone.encode_image(images), small_clip().encode_image(images))
    assert backbone.logit_scale == 1.0
    with pytest.raises(ValueError, match="no text tower"):
        backbone.classifier(["a"], "{}")


def test_other_image_towers_are_refused() -> None:
    vision = {**CONFIG["vision_cfg"], "attentional_pool": True, "attn_pooler_heads": 4}
    with pytest.raises(ValueError, match="pooling by attention"):
        ClipBackbone(small_model({**CONFIG, "vision_cfg": vision}), small_clip().info)
    vision = {**CONFIG["vision_cfg"], "scale_fc": True}
    with pytest.raises(ValueError, match="CustomResidualAttentionBlock"):
        ClipBackbone(small_model({**CONFIG, "vision_cfg": vision}), small_clip().info)


def test_a_tokenizer_is_made_when_the_first_text_comes_and_once() -> None:
    made = []

    def tokenizer() -> Any:
        made.append(1)
        return tokenize

    backbone = ClipBackbone(small_model(), small_clip().info, tokenizer=tokenizer)
    assert not made
    backbone.classifier(["a"], "{}")
    backbone.classifier(["b"], "{}")
    assert len(made) == 1


def test_bfloat16_autocast_follows_float32() -> None:
    backbone, _ = pair(torch.float32)
    images, prompts = draw(4, 3, 32, 32, dtype=torch.float32), draw(5, 48, dtype=torch.float32)
    exact = F.normalize(backbone.encode_image(images, prompts), dim=-1)
    with torch.autocast("cpu", torch.bfloat16):
        rough = F.normalize(backbone.encode_image(images, prompts).float(), dim=-1)
    assert (exact * rough).sum(-1).min().item() > 0.999
