from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sweeper import discovery
from sweeper.method import Examples
from tests.small_clip import small_clip, small_model
from tests.small_vit import small_vit, small_vit_model

E2VPT: Any = discovery.find("e2vpt", Path())
CLASSES = ("red", "green", "blue")
VIT, CLIP = small_vit(), small_clip()
B16 = replace(VIT.info, width=768, embed_dim=768, depth=12, heads=12, patch=16)


def build(backbone: Any, **params: Any) -> Any:
    return E2VPT.module(
        backbone=backbone,
        classes=CLASSES,
        template="a {}",
        params=E2VPT.params(**params),
        seed=0,
    )


def draw(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def moved(backbone: Any, **params: Any) -> Any:
    """A module whose parameters are far from their start."""
    module = build(backbone, **params).eval()
    for number, value in enumerate(module.parameters()):
        value.data = draw(*value.shape, seed=number)
    return module


def examples(count: int = 40) -> Examples:
    images, labels = draw(count, 3, 32, 32), torch.arange(count) % 3
    return Examples(read=images.__getitem__, labels=labels)


def masked(module: Any) -> Tensor:
    """Prompts times both masks, value by value."""
    prompts: Tensor = module.prompts.detach().clone()
    for j in range(prompts.shape[1]):
        for d in range(48):
            segment = d // 3 if module.params.segments == "contiguous" else d % 16
            prompts[:, j, d] *= module.token_mask[j] * module.segment_mask[j, segment]
    return prompts


def attention(x: Tensor, qkv: Any, proj: Any, keys: Tensor | None, values: Tensor | None) -> Tensor:
    """Softmax attention by the book, one of 4 heads after the other, prompts in front."""
    q, k, v = torch.split(F.linear(x, *qkv), 48, dim=-1)
    outputs = []
    for head in range(4):
        part = slice(12 * head, 12 * head + 12)
        key, value = k[..., part], v[..., part]
        if keys is not None and values is not None:
            key = torch.cat((keys[head].expand(len(x), -1, -1), key), 1)
            value = torch.cat((values[head].expand(len(x), -1, -1), value), 1)
        outputs.append((q[..., part] @ key.mT / 12**0.5).softmax(-1) @ value)
    mixed: Tensor = proj(torch.cat(outputs, -1))
    return mixed


def prompts_of(module: Any, block: int) -> tuple[Tensor | None, Tensor | None]:
    both = module.key_values
    return (None, None) if both is None else (both[0, block], both[-1, block])


def plain_vit(images: Tensor, module: Any) -> Tensor:
    model: Any = small_vit_model()
    x = model.patch_embed(images)
    x = torch.cat((model.cls_token.expand(len(x), -1, -1), x), 1) + model.pos_embed
    for i, (block, fresh) in enumerate(zip(model.blocks, masked(module), strict=True)):
        rest = x[:, 1 + (len(fresh) if i else 0) :]
        x = torch.cat((x[:, :1], fresh.expand(len(x), -1, -1), rest), 1)
        qkv = (block.attn.qkv.weight, block.attn.qkv.bias)
        x = x + attention(block.norm1(x), qkv, block.attn.proj, *prompts_of(module, i))
        x = x + block.mlp(block.norm2(x))
    features: Tensor = model.norm(x[:, 0])
    return features


def plain_clip(images: Tensor, module: Any) -> Tensor:
    visual: Any = small_model().visual
    x = visual.conv1(images).flatten(2).transpose(1, 2)
    x = torch.cat((visual.class_embedding.expand(len(x), 1, -1), x), 1)
    x = visual.ln_pre(x + visual.positional_embedding)
    pairs = zip(visual.transformer.resblocks, masked(module), strict=True)
    for i, (block, fresh) in enumerate(pairs):
        fresh = visual.ln_pre(fresh) if i == 0 else fresh
        rest = x[:, 1 + (len(fresh) if i else 0) :]
        x = torch.cat((x[:, :1], fresh.expand(len(x), -1, -1), rest), 1)
        qkv = (block.attn.in_proj_weight, block.attn.in_proj_bias)
        x = x + attention(block.ln_1(x), qkv, block.attn.out_proj, *prompts_of(module, i))
        x = x + block.mlp(block.ln_2(x))
    features: Tensor = visual.ln_post(x[:, 0]) @ visual.proj
    return features


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("segments", ["contiguous", "strided"])
@pytest.mark.parametrize(("backbone", "plain"), [(VIT, plain_vit), (CLIP, plain_clip)])
def test_logits_equal_a_plain_forward_before_and_after_pruning(
    backbone: Any, plain: Any, segments: str, shared: bool
) -> None:
    module = moved(backbone, shared_kv=shared, segments=segments, kv_length=2)
    images = draw(2, 3, 32, 32)
    for _ in ("whole", "pruned"):
        expected = plain(images, module) @ module.head.weight.T + module.head.bias
        assert torch.allclose(module(images), expected, atol=1e-3)
        module.token_mask[1] = 0
        module.segment_mask[[0, 2, 2], [3, 5, 6]] = 0


def test_without_key_value_prompts_it_is_vpt_deep() -> None:
    module, images = moved(VIT, kv_length=0), draw(2, 3, 32, 32)
    expected = plain_vit(images, module) @ module.head.weight.T + module.head.bias
    assert torch.allclose(module(images), expected, atol=1e-3)
    assert [name for name, _ in module.named_parameters()] == [
        "prompts",
        "head.weight",
        "head.bias",
    ]


@pytest.mark.parametrize(("shared", "key_values"), [(True, 46_080), (False, 92_160)])
def test_counts_at_vit_b16_are_prompts_key_values_and_head(shared: bool, key_values: int) -> None:
    module = build(SimpleNamespace(info=B16), shared_kv=shared)
    assert sum(p.numel() for p in module.parameters()) == 46_080 + key_values + 3 * 769
    assert sum(b.numel() for b in module.buffers()) == 5 + 16 * 5


def test_prompts_fill_the_bound_of_vpt() -> None:
    prompts = build(SimpleNamespace(info=B16), prompt_length=20).prompts
    assert prompts.abs().max().item() == pytest.approx(0.0625, abs=1e-4)
    assert prompts.std().item() == pytest.approx(0.0625 / 3**0.5, rel=0.01)


@pytest.mark.parametrize(
    ("init", "length", "std"),
    [
        ("kaiming", 5, (2 / (5 * 64)) ** 0.5),
        ("kaiming", 10, (2 / (10 * 64)) ** 0.5),
        ("uniform", 5, (2 / (3 * 16**2 + 16)) ** 0.5),
        ("normal", 5, 0.02),
    ],
)
def test_key_value_prompts_start_as_said(init: str, length: int, std: float) -> None:
    module = build(SimpleNamespace(info=B16), kv_init=init, kv_length=length, shared_kv=False)
    keys, values = module.key_values
    assert keys.shape == (12, 12, length, 64)
    assert not torch.equal(keys, values)
    largest = 4 if init == "normal" else 3**0.5
    for each in (keys, values):
        assert each.std().item() == pytest.approx(std, rel=0.02)
        assert each.abs().max().item() == pytest.approx(std * largest, rel=0.2)


def test_kaiming_bound_is_that_of_torch() -> None:
    ours = build(SimpleNamespace(info=B16)).key_values[0, 0]
    torchs = torch.nn.init.kaiming_uniform_(torch.empty_like(ours), a=0)
    assert ours.abs().max().item() == pytest.approx(torchs.abs().max().item(), rel=0.01)


def importance(module: Any, own: Examples, absolute: bool) -> tuple[Tensor, Tensor]:
    """Central differences of the loss of one image after the other."""
    totals = []
    for mask in (module.token_mask, module.segment_mask):
        total = torch.zeros_like(mask)
        for place in torch.ones_like(mask).nonzero():
            index, losses = tuple(place.tolist()), []
            for step in (0.01, -0.01):
                mask[index] += step
                with torch.no_grad():
                    logits = module(own.read(torch.arange(len(own))))
                losses.append(F.cross_entropy(logits, own.labels, reduction="none"))
                mask[index] = 1
            slope = (losses[0] - losses[1]) / 0.02
            total[index] = (slope.abs() if absolute else slope).mean()
        totals.append(total)
    return totals[0], totals[1]


@pytest.mark.parametrize("kind", ["signed", "absolute"])
@pytest.mark.parametrize("segments", ["contiguous", "strided"])
def test_what_matters_least_to_the_loss_is_pruned(
    kind: str, segments: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[E2VPT.module.__module__], "IMAGES", 4)
    backbone = small_vit()
    backbone._model.double()
    module = moved(backbone, prompt_length=3, importance=kind, segments=segments, keep_tokens=0.4)
    module.double()
    images, labels = draw(6, 3, 32, 32).double(), torch.arange(6) % 3
    own = Examples(read=images.__getitem__, labels=labels)
    tokens, pieces = importance(module, own, kind == "absolute")
    module.next_round(own)
    assert set(module.token_mask.nonzero()[:, 0].tolist()) == set(tokens.topk(2).indices.tolist())
    for mask, row in zip(module.segment_mask, pieces, strict=True):
        assert set(mask.nonzero()[:, 0].tolist()) == set(row.topk(8).indices.tolist())


def test_all_that_trains_is_rewound_and_only_masks_remain() -> None:
    module, fresh = moved(VIT, shared_kv=False), build(VIT, shared_kv=False)
    for value in module.parameters():
        value.grad = torch.ones_like(value)
    module.train()
    module.next_round(examples())
    for (name, mine), initial in zip(module.named_parameters(), fresh.parameters(), strict=True):
        assert torch.equal(mine, initial), name
        assert mine.requires_grad
        assert torch.equal(mine.grad, torch.ones_like(mine))  # the measurement left none behind
    assert module.training
    assert 0 < module.token_mask.sum() < 5
    assert module.state_dict().keys() >= {"token_mask", "segment_mask"}


def test_dropout_does_not_touch_what_is_pruned() -> None:
    first, second = (moved(VIT, dropout=0.9) for _ in range(2))
    for number, module in enumerate((first.train(), second.eval())):
        torch.manual_seed(number)
        module.next_round(examples())
    assert torch.equal(first.token_mask, second.token_mask)
    assert torch.equal(first.segment_mask, second.segment_mask)


def test_pruned_values_neither_count_nor_learn() -> None:
    module, images = moved(VIT), draw(2, 3, 32, 32)
    module.next_round(examples())
    before = module(images)
    gone = masked(module) == 0
    assert gone.float().mean().item() == pytest.approx(1 - 3 / 5 * 8 / 16)
    torch.autograd.backward(before.square().sum())
    assert (module.prompts.grad[gone] == 0).all()
    assert (module.prompts.grad[~gone] != 0).any()
    module.prompts.data[gone] += 1
    assert torch.equal(module(images), before)
    module.prompts.data[~gone] += 1
    assert not torch.equal(module(images), before)


@pytest.mark.parametrize(
    ("keep", "tokens", "segments"),
    [(0.9, 5, 15), (0.8, 4, 13), (0.7, 4, 12), (0.5, 3, 8), (0.1, 1, 4), (0.0, 1, 4)],
)
def test_shares_are_rounded_as_in_the_code_and_something_is_kept(
    keep: float, tokens: int, segments: int
) -> None:
    module = build(VIT, keep_tokens=keep, keep_segments=keep)
    module.next_round(examples(3))
    assert module.token_mask.sum() == tokens
    assert (module.segment_mask.sum(1) == segments).all()


def test_there_is_one_round_where_all_is_kept() -> None:
    assert build(VIT, keep_tokens=1.0, keep_segments=1.0).rounds == 1
    assert build(VIT, keep_tokens=0.9, keep_segments=1.0).rounds == 2
    assert build(VIT, keep_tokens=1.0, keep_segments=0.9).rounds == 2


def test_dropout_masks_differ_by_image_and_block(monkeypatch: pytest.MonkeyPatch) -> None:
    module = build(VIT, prompt_length=50, dropout=0.25)
    seen: list[Any] = []
    encode = VIT.encode_image

    def watched(images: Tensor, prompts: Any) -> Tensor:
        seen.append(torch.cat((prompts.tokens[None], prompts.deeper)))
        return encode(images, prompts)

    monkeypatch.setattr(VIT, "encode_image", watched)
    image = draw(1, 3, 32, 32).expand(2, -1, -1, -1)
    module.train()(image)
    module.eval()(image)
    zeros = seen[0] == 0
    assert zeros.shape == (3, 2, 50, 48)
    assert zeros.float().mean().item() == pytest.approx(0.25, abs=0.02)
    assert len({tuple(mask.flatten().tolist()) for mask in zeros.flatten(0, 1)}) == 6
    assert seen[1].shape == (3, 1, 50, 48)  # shared by the images


def test_presets_differ_in_schedule_and_segments() -> None:
    paper, official = E2VPT.presets["paper"], E2VPT.presets["official"]
    assert (paper["schedule"], official["schedule"]) == ("cosine", "vpt_official")
    assert (paper["segments"], official["segments"]) == ("contiguous", "strided")
    for each in (paper, official):
        assert (each["optimizer"], each["momentum"], each["batch_size"]) == ("sgd", 0.9, 64)
        assert (each["epochs"], each["warmup_epochs"], each["dropout"]) == (100, 10, 0.1)
        assert not {"lr", "weight_decay", "keep_tokens", "prompt_length"} & each.keys()


def test_both_kinds_of_prompts_count_against_the_limit() -> None:
    most = VIT.info.max_prompts
    assert E2VPT.skip(E2VPT.params(prompt_length=most - 5), VIT.info) is None
    for params in ({"prompt_length": most - 4}, {"kv_length": most - 4}):
        reason = E2VPT.skip(E2VPT.params(**params), VIT.info)
        assert f"{most + 1}, more than its {most}" in (reason or "")


def test_widths_without_sixteen_equal_segments_are_refused() -> None:
    assert "width 40" in (E2VPT.skip(E2VPT.params(), replace(VIT.info, width=40)) or "")
