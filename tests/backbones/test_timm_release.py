"""timm's releases: names, descriptions, and weights from a cache."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import save_file

from sweeper.backbones import timm_release
from sweeper.errors import InputError

TINY = "timm/test_vit2.r160_in1k"  # registers, a mean, no CLS
MAP = "timm/test_vit3.r160_in1k"  # pooled by attention
RESNET = "timm/test_resnet.r160_in1k"


def model_of(name: str) -> Any:
    """A model of timm's with random weights."""
    torch.manual_seed(0)
    return timm.create_model(name.removeprefix("timm/")).eval()


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache of the hub, without a network."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    "pattern",
    [
        "vit_base_patch16_224.orig_in21k",
        "vit_base_patch14_reg4_dinov2.lvd142m",
        "vit_base_patch14_dinov2.lvd142m",
        "deit3_base_patch16_224.fb_in1k",
        "deit_base_patch16_224.fb_in1k",
        "vit_base_patch16_siglip_224.webli",
        "vit_base_patch16_clip_quickgelu_224.openai",
        "flexivit_base.*",
        "resnet18.tv_in1k",
        "resnet101.tv_in1k",
        "resnet152.tv_in1k",
        "resnetv2_50x1_bit.goog_in21k",
        "resnext101_32x8d.fb_wsl_ig1b_ft_in1k",
        "resnext101_32x16d.fb_wsl_ig1b_ft_in1k",
    ],
)
def test_every_family_of_the_papers_is_offered(pattern: str) -> None:
    assert fnmatch.filter(timm_release.names(), f"timm/{pattern}")


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("vit_base_patch32_224.augreg_in21k", (768, 12, 12, 32, 49, 1, "cls")),
        ("vit_base_patch16_224.augreg_in21k", (768, 12, 12, 16, 196, 1, "cls")),
        ("vit_large_patch14_clip_224.openai_ft_in1k", (1024, 24, 16, 14, 256, 1, "cls")),
        ("vit_huge_patch14_224.mae", (1280, 32, 16, 14, 256, 1, "mean")),
        ("vit_small_patch14_reg4_dinov2.lvd142m", (384, 12, 6, 14, 1369, 5, "cls")),
        ("vit_base_patch16_siglip_gap_224.webli", (768, 12, 12, 16, 196, 0, "mean")),
        ("vit_wee_patch16_reg1_gap_256.sbb_in1k", (256, 14, 4, 16, 256, 1, "mean")),
    ],
)
def test_towers_with_prompts_are_described_from_their_tags(
    name: str, numbers: tuple[object, ...]
) -> None:
    info = timm_release.describe(f"timm/{name}")
    found = (info.width, info.depth, info.heads, info.patch, info.patches, info.prefix)
    assert (*found, info.pooling) == numbers
    assert {"input_tokens", "block_tokens", "weights"} <= info.ways


@pytest.mark.parametrize(
    ("name", "width", "parameters", "classes", "mean"),
    [
        ("resnet50.tv_in1k", 2048, 23_508_032, 1000, 0.485),
        ("resnetv2_50x1_bit.goog_in21k", 2048, 23_500_352, 21_843, 0.5),
        ("resnext101_32x8d.fb_wsl_ig1b_ft_in1k", 2048, 86_742_336, 1000, 0.485),
    ],
)
def test_networks_with_mapped_heads_are_described_from_their_tags(
    name: str, width: int, parameters: int, classes: int, mean: float
) -> None:
    info = timm_release.describe(f"timm/{name}")
    assert (info.width, info.embed_dim, info.parameters) == (width, width, parameters)
    assert (info.ways, info.head_classes, info.depth) == ({"head"}, classes, 0)
    assert info.preprocessing.mean[0] == mean
    assert info.preprocessing.interpolation == "bilinear"
    assert info.licence == timm.get_pretrained_cfg(name).license != ""


def test_two_heads_on_two_tokens_are_no_mapped_head() -> None:
    info = timm_release.describe("timm/deit_tiny_distilled_patch16_224.fb_in1k")
    assert info.ways == frozenset()


@pytest.mark.parametrize("name", [TINY, MAP, RESNET])
def test_weights_in_the_hub_s_cache_are_found_and_loaded(name: str, cache: Path) -> None:
    real, info = model_of(name), timm_release.describe(name)
    repository = timm.get_pretrained_cfg(name.removeprefix("timm/")).hf_hub_id
    folder = cache / f"models--{repository.replace('/', '--')}"
    assert timm_release.weights_path(name) is None
    with pytest.raises(InputError, match=f"'model.safetensors' of the repository '{repository}'"):
        timm_release.load(name)
    (folder / "snapshots" / "f00").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("f00")
    save_file(real.state_dict(), folder / "snapshots" / "f00" / "model.safetensors")
    assert timm_release.weights_path(name) == folder / "snapshots" / "f00" / "model.safetensors"
    backbone = timm_release.backbone(timm_release.load(name), info, name)
    size = info.preprocessing.size
    images = torch.randn(2, 3, size, size)
    expected = real.forward_head(real.forward_features(images), pre_logits=True)
    found = backbone.encode_image(images)
    assert (found - expected).abs().max().item() < 1e-4
    assert (backbone.head_logits(found) - real(images)).abs().max().item() < 1e-4
    assert ("input_tokens" in info.ways) == (name == TINY)


def test_a_state_is_loaded_in_the_place_of_the_cache(cache: Path) -> None:
    del cache
    state = {f"module.{n}": value for n, value in model_of(TINY).state_dict().items()}
    found = timm_release.load(TINY, state)
    assert torch.equal(found.norm_pre(torch.ones(1)), torch.ones(1))
    assert all(torch.equal(v, state[f"module.{n}"]) for n, v in found.state_dict().items())
    del state["module.head.bias"]
    with pytest.raises(InputError, match=r"weights of timm/test_vit2.*missing: head\.bias"):
        timm_release.load(TINY, state)


CONVERTED = [
    ("timm/vit_small_patch14_reg4_dinov2.lvd142m", "vision_transformer"),
    ("timm/flexivit_small.300ep_in1k", "vision_transformer"),
    ("timm/deit3_small_patch16_224.fb_in1k", "deit"),
    ("timm/vit_base_patch16_radio_v3.c_radio", "vision_transformer"),
    ("timm/resnet18.tv_in1k", "resnet"),
]


@pytest.mark.parametrize(("name", "family"), CONVERTED)
def test_states_are_converted_as_timm_s_own_loader_does(
    name: str, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What timm hands to its loader for that name is what this one asks of the conversion."""
    seen: dict[str, Any] = {}

    def record(model: Any, **given: Any) -> None:
        del model
        seen.update(given)

    monkeypatch.setattr("timm.models._builder.load_pretrained", record)
    with torch.device("meta"):
        timm.create_model(name.removeprefix("timm/"), pretrained=True)
    given = seen["filter_fn"]
    asked: dict[str, Any] = {}

    def convert(state: Any, model: Any, **settings: Any) -> Any:
        del model
        asked.update(settings)
        return state

    if given is None:
        assert timm_release._converted(name, None, {}) == {}
        return
    monkeypatch.setattr(f"timm.models.{family}.checkpoint_filter_fn", convert)
    timm_release._converted(name, None, {})
    assert asked == getattr(given, "keywords", {})


def test_what_a_map_pooled_siglip_leaves_over_is_dropped_where_tokens_are_averaged() -> None:
    name = "timm/vit_base_patch16_siglip_gap_224.webli"
    model = timm_release._built("vit_base_patch16_siglip_gap_224", 0)
    state = {"attn_pool.latent": torch.zeros(1), "norm.weight": torch.zeros(768)}
    assert timm_release._converted(name, model, state).keys() == {"norm.weight"}


def test_unknown_names_get_the_nearest_right_one() -> None:
    with pytest.raises(InputError, match=r"Did you mean 'timm/resnet50\.tv_in1k'"):
        timm_release.describe("timm/resnet50.tv_in1")
