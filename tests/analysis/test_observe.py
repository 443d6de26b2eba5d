from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sweeper import discovery
from sweeper.analysis.attention import cls_shares
from sweeper.analysis.observe import ObservedBackbone, observed
from sweeper.backbones.backbone import Backbone
from sweeper.backbones.clip import ClipBackbone
from sweeper.backbones.prompts import Prompts
from sweeper.errors import InputError
from tests.small_vit import small_vit

CLASSES = ("red", "green", "blue")
IMAGES = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
SETTINGS: dict[str, dict[str, Any]] = {
    "iip": {"prompt_length": 3},
    "pgn": {"prompt_length": 3, "library_size": 5, "resolution": 32},
}


def build(name: str, backbone: Backbone) -> Any:
    plugin = discovery.find(name, Path())
    module = plugin.module(
        backbone=backbone,
        classes=CLASSES,
        template="a {}",
        params=plugin.params(**SETTINGS[name]),
        seed=0,
    )
    return module.eval()


@pytest.mark.parametrize("name", ["iip", "pgn"])
@torch.no_grad()
def test_a_method_built_on_it_gives_the_same_logits_and_shows_its_prompts(
    name: str, backbone: ClipBackbone
) -> None:
    watched = ObservedBackbone(backbone)
    plain, module = build(name, backbone), build(name, watched)
    torch.testing.assert_close(module(IMAGES), plain(IMAGES), rtol=1e-4, atol=1e-4)
    assert watched.last is not None
    given = module.prompts if name == "iip" else module.prompts(IMAGES)
    torch.testing.assert_close(watched.last.prompts.tokens, given.expand_as(given))
    assert watched.last.prompt_tokens(0).shape == (4, 3, backbone.info.width)
    assert watched.last.patch_tokens(2).shape == (4, 16, backbone.info.width)
    assert watched.last.features.shape == (4, backbone.info.embed_dim)
    assert watched.last.prompted_blocks() == [0, 1, 2]


@torch.no_grad()
def test_on_a_tower_without_a_first_norm_the_traced_prompts_are_those_given() -> None:
    vit = small_vit()
    watched, prompts = ObservedBackbone(vit), torch.randn(3, vit.info.width)
    features = watched.encode_image(IMAGES, prompts)
    torch.testing.assert_close(features, vit.encode_image(IMAGES, prompts), rtol=1e-4, atol=1e-4)
    assert watched.last is not None
    torch.testing.assert_close(watched.last.prompt_tokens(0), prompts.expand(4, -1, -1))
    torch.testing.assert_close(watched.last.patch_tokens(0), vit.embed_image(IMAGES)[:, 1:])
    assert watched.last.features is features


@pytest.mark.parametrize("place", ["end", "after_cls"])
@torch.no_grad()
def test_places_follow_each_block_where_their_numbers_differ(place: Any) -> None:
    vit = small_vit()
    watched, deeper = ObservedBackbone(vit), torch.randn(2, 4, vit.info.width)
    watched.encode_image(IMAGES, Prompts(deeper=deeper, place=place))
    seen = watched.last
    assert seen is not None
    assert seen.prompted_blocks() == [1, 2]
    torch.testing.assert_close(seen.prompt_tokens(2), deeper[1].expand(4, -1, -1))
    torch.testing.assert_close(seen.patch_tokens(0), vit.embed_image(IMAGES)[:, 1:])
    parts = (seen.trace.inputs[1][:, :1], seen.prompt_tokens(1), seen.patch_tokens(1))
    ordered = parts if place == "after_cls" else (parts[0], parts[2], parts[1])
    torch.testing.assert_close(torch.cat(ordered, 1), seen.trace.inputs[1])


@pytest.mark.parametrize("place", ["end", "after_cls"])
@pytest.mark.parametrize(
    "settings", [{"reg_tokens": 2}, {"class_token": False, "global_pool": "avg"}]
)
@torch.no_grad()
def test_places_are_right_beside_registers_and_without_cls(
    settings: dict[str, Any], place: Any
) -> None:
    vit = small_vit(**settings)
    watched, prompts = ObservedBackbone(vit), torch.randn(4, vit.info.width)
    watched.encode_image(IMAGES, Prompts(prompts, place=place))
    seen = watched.last
    assert seen is not None
    torch.testing.assert_close(seen.prompt_tokens(0), prompts.expand(4, -1, -1))
    torch.testing.assert_close(
        seen.patch_tokens(0), vit.embed_image(IMAGES)[:, -vit.info.patches :]
    )
    torch.testing.assert_close(cls_shares(seen, 1).sum(1), torch.ones(4))


@torch.no_grad()
def test_everything_else_is_passed_on(backbone: ClipBackbone) -> None:
    watched = ObservedBackbone(backbone)
    assert watched.info is backbone.info
    assert watched.logit_scale == backbone.logit_scale
    assert watched.image_weights is backbone.image_weights
    assert watched.classifier(CLASSES, "a {}") is backbone.classifier(CLASSES, "a {}")
    torch.testing.assert_close(watched.embed_image(IMAGES), backbone.embed_image(IMAGES))
    embedded, end = watched.embed_text(["a red"])
    text = backbone.encode_text(embedded, end)
    torch.testing.assert_close(watched.encode_text(embedded, end), text)
    assert watched.tensors().keys() == backbone.tensors().keys()
    vit, features = small_vit(), torch.randn(2, 48)
    torch.testing.assert_close(
        ObservedBackbone(vit).head_logits(features), vit.head_logits(features)
    )


@torch.no_grad()
def test_weights_of_a_pass_stand_in_the_place_of_the_towers() -> None:
    vit = small_vit()
    name = "blocks.1.attn.qkv.bias"
    changed = {name: torch.randn_like(vit.image_weights[name])}
    watched = ObservedBackbone(vit)
    found = watched.encode_image(IMAGES, weights=changed)
    expected = vit.encode_image(IMAGES, weights=changed)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert watched.last is not None
    assert watched.last.weights[name] is changed[name]


@torch.no_grad()
def test_a_finished_module_is_watched_for_a_while_parts_and_all(backbone: ClipBackbone) -> None:
    module = nn.ModuleDict({"inner": build("iip", backbone)})
    inner: Any = module["inner"]
    with observed(module, backbone) as watched:
        assert inner.backbone is watched
        inner(IMAGES)
    assert watched.last is not None
    assert vars(inner)["backbone"] is backbone


def test_a_module_without_a_backbone_is_refused(backbone: ClipBackbone) -> None:
    with pytest.raises(InputError, match="keeps no backbone"), observed(nn.Identity(), backbone):
        pass
