from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from sweeper import discovery
from sweeper.backbones.towers import describe
from sweeper.catalog import Installed
from sweeper.spec.trial import Protocol, Recipe, TrialSpec
from tests.small_clip import small_clip, small_model
from tests.small_vit import small_vit, small_vit_model

VPT: Any = discovery.find("vpt", Path())
CLASSES = ("red", "green", "blue")
VIT, CLIP = small_vit(), small_clip()
B16 = replace(VIT.info, width=768, embed_dim=768, depth=12, heads=12, patch=16)
FGVC = (200, 555, 102, 120, 196)
VTAB = (102, 100, 47, 102, 37, 2, 397, 10, 45, 10, 6, 4, 18, 9, 16, 16, 6, 8, 5)


def build(backbone: Any, classes: int = 3, seed: int = 0, **params: Any) -> Any:
    return VPT.module(
        backbone=backbone,
        classes=(CLASSES * classes)[:classes],
        template="a {}",
        params=VPT.params(**params),
        seed=seed,
    )


def count(module: Any) -> int:
    return sum(p.numel() for p in module.parameters())


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def through(blocks: Any, x: Tensor, first: Tensor, later: Tensor | None) -> Tensor:
    """Prompts after CLS, one block of the library after the other."""
    p = first.shape[-2]
    x = torch.cat((x[:, :1], first.expand(len(x), -1, -1), x[:, 1:]), 1)
    for i, block in enumerate(blocks):
        if later is not None and i > 0:
            x = torch.cat((x[:, :1], later[i - 1].expand(len(x), -1, -1), x[:, 1 + p :]), 1)
        x = block(x)
    return x


def plain_vit(images: Tensor, first: Tensor, later: Tensor | None) -> Tensor:
    model: Any = small_vit_model()
    x = model.patch_embed(images)
    x = torch.cat((model.cls_token.expand(len(x), -1, -1), x), 1) + model.pos_embed
    features: Tensor = model.norm(through(model.blocks, x, first, later)[:, 0])
    return features


def plain_clip(images: Tensor, first: Tensor, later: Tensor | None, normed: bool) -> Tensor:
    visual: Any = small_model().eval().visual
    x = visual.conv1(images).flatten(2).transpose(1, 2)
    x = torch.cat((visual.class_embedding.expand(len(x), 1, -1), x), 1)
    x = visual.ln_pre(x + visual.positional_embedding)
    first = first if normed else visual.ln_pre(first)
    x = through(visual.transformer.resblocks, x, first, later)
    features: Tensor = visual.ln_post(x[:, 0]) @ visual.proj
    return features


@pytest.mark.parametrize("depth", ["shallow", "deep"])
def test_logits_on_a_vit_equal_a_plain_forward(depth: str) -> None:
    module, images = build(VIT, depth=depth, prompt_length=4), draw(2, 3, 32, 32)
    module.prompts.data = draw(*module.prompts.shape)
    first, later = module.prompts[0], module.prompts[1:] if depth == "deep" else None
    expected = plain_vit(images, first, later) @ module.head.weight.T + module.head.bias
    assert torch.allclose(module(images), expected, atol=1e-4)
    assert (build(VIT, depth=depth, prompt_length=4)(images) - expected).abs().max() > 1e-2


@pytest.mark.parametrize("depth", ["shallow", "deep"])
@pytest.mark.parametrize("normed", [True, False])
def test_logits_on_clip_equal_a_plain_forward_and_its_text(depth: str, normed: bool) -> None:
    module = build(CLIP, depth=depth, prompt_length=4, normed=normed, head="text")
    module.prompts.data = draw(*module.prompts.shape)
    images = draw(2, 3, 32, 32)
    first, later = module.prompts[0], module.prompts[1:] if depth == "deep" else None
    z = plain_clip(images, first, later, normed)
    text = CLIP.classifier(CLASSES, "a {}")
    expected = CLIP.logit_scale * z @ text.T / z.norm(dim=1, keepdim=True)
    assert torch.allclose(module(images), expected, atol=2e-3)


def test_mapped_head_reads_the_first_outputs_of_the_weights_own() -> None:
    module, images = build(VIT, head="mapped", depth="shallow"), draw(2, 3, 32, 32)
    features = plain_vit(images, module.prompts[0], None)
    expected = small_vit_model().head(features)[:, :3]
    assert torch.allclose(module(images), expected, atol=1e-4)
    assert list(dict(module.named_parameters())) == ["prompts"]


def test_projected_prompts_are_those_of_one_linear_layer() -> None:
    module, images = build(VIT, project=6, prompt_length=4), draw(2, 3, 32, 32)
    prompts = module.prompts @ module.projection.weight.T + module.projection.bias
    assert prompts.shape == (3, 4, 48)
    features = plain_vit(images, prompts[0], prompts[1:])
    expected = features @ module.head.weight.T + module.head.bias
    assert torch.allclose(module(images), expected, atol=1e-4)
    assert count(module) == 3 * 4 * 6 + 48 * (6 + 1) + 3 * (48 + 1)
    wide = build(SimpleNamespace(info=B16), project=64)
    assert wide.prompts.abs().max().item() == pytest.approx((6 / (768 + 64)) ** 0.5, rel=0.01)
    assert wide.projection.weight.std().item() == pytest.approx((2 / 768) ** 0.5, rel=0.02)


@pytest.mark.parametrize(
    ("depth", "length", "prompts"),
    [("shallow", 100, 76_800), ("deep", 20, 184_320), ("deep", 50, 460_800)],
)
def test_counts_at_vit_b16_are_prompts_and_head(depth: str, length: int, prompts: int) -> None:
    for classes in (2, 200):
        module = build(SimpleNamespace(info=B16), classes, depth=depth, prompt_length=length)
        assert count(module) == prompts + classes * 769


def test_printed_mean_counts_of_shallow_come_out() -> None:
    def mean(tasks: tuple[int, ...]) -> float:
        backbone = SimpleNamespace(info=B16)
        built = [build(backbone, k, depth="shallow", prompt_length=100) for k in tasks]
        return sum(map(count, built)) / len(built)

    assert round(mean(VTAB)) == 114_845  # printed 0.11M
    assert round(mean(FGVC)) == 257_207  # printed 0.25M, which is cut and not rounded


def test_count_of_upts_deep_prompts_on_clip_comes_out() -> None:
    info = describe("openclip/ViT-B-16-quickgelu@openai")
    backbone = SimpleNamespace(
        info=info, logit_scale=100.0, classifier=lambda classes, _: torch.ones(len(classes), 512)
    )
    upt = {k: v for k, v in VPT.presets["upt"].items() if k in VPT.params.model_fields}
    assert count(build(backbone, **upt)) == 36_864


@pytest.mark.parametrize(("patch", "bound"), [(16, 0.0625), (32, 0.0395)])
def test_uniform_prompts_fill_the_bound_of_vpt(patch: int, bound: float) -> None:
    prompts = build(SimpleNamespace(info=replace(B16, patch=patch)), prompt_length=100).prompts
    assert prompts.abs().max().item() == pytest.approx(bound, abs=1e-4)
    assert prompts.std().item() == pytest.approx(bound / 3**0.5, rel=0.01)
    assert abs(prompts.mean().item()) < 1e-3


def test_normal_prompts_have_a_standard_deviation_of_002() -> None:
    prompts = build(SimpleNamespace(info=B16), prompt_length=100, init="normal").prompts
    assert prompts.std().item() == pytest.approx(0.02, rel=0.01)
    assert prompts.abs().max().item() > 0.07  # not cut


@pytest.mark.parametrize("depth", ["shallow", "deep"])
def test_dropout_masks_differ_by_image_and_block_and_stop_in_eval(
    depth: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = build(VIT, depth=depth, prompt_length=50, dropout=0.25)
    seen: list[Any] = []
    encode = VIT.encode_image

    def watched(images: Tensor, prompts: Any) -> Tensor:
        seen.append(prompts)
        return encode(images, prompts)

    monkeypatch.setattr(VIT, "encode_image", watched)
    image = draw(1, 3, 32, 32).expand(2, -1, -1, -1)
    module.train()(image)
    module.eval()(image)
    for found, own in zip((seen[0].tokens, seen[0].deeper), (0, 1), strict=True):
        if found is None:
            assert depth == "shallow"
            continue
        sets = found[None] if own == 0 else found
        zeros = sets == 0
        assert zeros.shape[1:] == (2, 50, 48)
        assert zeros.float().mean().item() == pytest.approx(0.25, abs=0.02)
        assert not torch.equal(zeros[:, 0], zeros[:, 1])
        start = module.prompts[:1] if own == 0 else module.prompts[1:]
        kept = (start[:, None] / 0.75).expand_as(sets)[~zeros]
        assert torch.allclose(sets[~zeros], kept)
    if depth == "deep":
        assert not torch.equal(seen[0].deeper[0] == 0, seen[0].deeper[1] == 0)
    assert seen[1].tokens.shape == (50, 48)  # shared, whole


def test_presets_are_those_of_paper_code_and_ports() -> None:
    presets = {name: dict(values) for name, values in VPT.presets.items()}
    for name in ("paper", "official"):
        deep, shallow = presets[name], presets[f"{name}_shallow"]
        assert (deep["depth"], deep["dropout"]) == ("deep", 0.1)
        assert (shallow["depth"], shallow["dropout"]) == ("shallow", 0.0)
        assert (shallow["prompt_length"], shallow["batch_size"]) == (100, 64)
        for each in (deep, shallow):
            assert (each["optimizer"], each["momentum"]) == ("sgd", 0.9)
            assert (each["epochs"], each["warmup_epochs"]) == (100, 10)
            assert each["schedule"] == ("cosine" if name == "paper" else "vpt_official")
            assert not {"lr", "weight_decay"} & each.keys()  # picked for each task
    maple, upt = presets["maple"], presets["upt"]
    assert [maple[k] for k in ("prompt_length", "lr", "batch_size", "epochs")] == [8, 0.0025, 4, 5]
    assert [upt[k] for k in ("prompt_length", "lr", "batch_size", "normed")] == [4, 0.002, 32, True]
    for each in (maple, upt):
        assert (each["depth"], each["init"], each["head"]) == ("deep", "normal", "text")
        assert each["augmentation"] == "coop"


def test_refusals_name_the_parameter() -> None:
    most = VIT.info.max_prompts
    assert VPT.skip(VPT.params(prompt_length=most), VIT.info) is None
    assert f"prompt_length {most + 1}" in (
        VPT.skip(VPT.params(prompt_length=most + 1), VIT.info) or ""
    )
    assert "head text" in (VPT.skip(VPT.params(head="text"), VIT.info) or "")
    assert "head mapped" in (VPT.skip(VPT.params(head="mapped"), CLIP.info) or "")


def test_prompts_that_enter_late_equal_a_plain_forward() -> None:
    model: Any = small_vit_model()
    images = draw(2, 3, 32, 32)
    for depth, sets in (("shallow", 1), ("deep", 2)):
        module = build(VIT, depth=depth, prompt_length=4, first_block=1)
        assert module.prompts.shape == (sets, 4, 48)
        module.prompts.data = draw(*module.prompts.shape)
        x = torch.cat((model.cls_token.expand(2, -1, -1), model.patch_embed(images)), 1)
        x = model.blocks[0](x + model.pos_embed)
        later = module.prompts[1:] if depth == "deep" else None
        features = model.norm(through(model.blocks[1:], x, module.prompts[0], later)[:, 0])
        expected = features @ module.head.weight.T + module.head.bias
        assert torch.allclose(module(images), expected, atol=1e-4)
        assert torch.equal(module.classify(VIT.enter(images, 1)), module(images))
        assert count(module) == sets * 4 * 48 + 3 * 49


def test_prompts_enter_at_a_block_that_there_is() -> None:
    assert VPT.skip(VPT.params(first_block=2), VIT.info) is None
    reason = VPT.skip(VPT.params(first_block=3), VIT.info) or ""
    assert "first_block 3" in reason
    assert "3, from 0" in reason


def test_trials_from_before_there_was_a_first_block_keep_their_ids() -> None:
    def spec(**params: object) -> TrialSpec:
        entry = Installed().method("vpt", Path())
        return TrialSpec(
            method="vpt",
            params=entry.complete(params),
            backbone="b",
            weights="w",
            task="t",
            data="d",
            recipe=Recipe(),
            protocol=Protocol(),
            seed=0,
        )

    assert (spec().id, spec().cell_id) == ("ce7015cdc22b38d8", "36c58268867889db")
    assert spec(first_block=0).id == spec().id
    assert spec(first_block=1).id != spec().id
    assert Installed().method("vpt", Path()).defaults()["first_block"] == 0
