from __future__ import annotations

from typing import Any

import pytest
import torch

from sweeper.analysis.attention import (
    attention_of,
    cls_map,
    cls_shares,
    cls_to_prompts,
    prompt_maps,
)
from sweeper.analysis.observe import Observation, ObservedBackbone
from sweeper.backbones.backbone import Backbone
from sweeper.backbones.clip import ClipBackbone
from sweeper.backbones.image_tower import Trace
from sweeper.backbones.prompts import Prompts
from tests.small_vit import small_vit

IMAGES = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def look(backbone: Backbone, prompts: Prompts, **settings: Any) -> Observation:
    watched = ObservedBackbone(backbone)
    watched.encode_image(IMAGES, prompts, **settings)
    assert watched.last is not None
    return watched.last


def full(place: Any) -> Prompts:
    return Prompts(
        tokens=torch.randn(3, 48),
        place=place,
        keys=torch.randn(3, 4, 2, 12),
        values=torch.randn(3, 4, 2, 12),
        temperature=torch.tensor([0.5, 1.0, 2.0]),
    )


def made(attention: torch.Tensor, place: Any, count: int) -> Observation:
    """One block with four patches and made-up attention of CLS."""
    tokens = torch.zeros(1, 5 + count, 2)
    trace = Trace((tokens, tokens), (attention,), slice(0))
    prompts = Prompts(tokens=torch.zeros(count, 2), place=place)
    return Observation(trace, torch.zeros(1, 2), prompts, {}, patches=4)


def test_shares_are_means_over_heads_of_sums_over_tokens() -> None:
    attention = torch.tensor([[[0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.3], [0.3] + [0.1] * 6]])
    ends, after = (cls_shares(made(attention, place, 2), 0) for place in ("end", "after_cls"))
    # by hand: heads are (CLS, 4 patches, 2 prompts) = (.1, .4, .5) and (.3, .4, .2)
    torch.testing.assert_close(ends, torch.tensor([[0.2, 0.4, 0.35]]))
    # with the prompts second: (.1, .7, .2) and (.3, .4, .2)
    torch.testing.assert_close(after, torch.tensor([[0.2, 0.55, 0.2]]))


def test_map_of_cls_lies_as_the_patches_do() -> None:
    attention = torch.tensor([[[0.1, 0.2, 0.3, 0.05, 0.15, 0.2]] * 2])
    expected = torch.tensor([[[0.2, 0.3], [0.05, 0.15]]])
    torch.testing.assert_close(cls_map(made(attention, "end", 1), 0), expected)
    found = cls_to_prompts(made(attention, "end", 1), 0)
    torch.testing.assert_close(found, torch.tensor([[0.2]]))


@pytest.mark.parametrize("place", ["end", "after_cls"])
def test_shares_of_a_pass_add_up_to_one_with_both_kinds_of_prompts(place: Any) -> None:
    seen = look(small_vit(), full(place))
    for block in range(3):
        torch.testing.assert_close(cls_shares(seen, block).sum(dim=1), torch.ones(2))
        assert cls_to_prompts(seen, block).shape == (2, 5)


@pytest.mark.parametrize("place", ["end", "after_cls"])
@torch.no_grad()
def test_attention_of_cls_is_the_traces(place: Any, backbone: ClipBackbone) -> None:
    name = "blocks.1.attn.qkv.weight"
    for tower in (backbone, small_vit()):
        changed = {name: 1.5 * tower.image_weights[name]}
        seen = look(tower, full(place), weights=changed)
        for block in range(3):
            found = attention_of(seen, block, slice(0, 1))[:, :, 0]
            torch.testing.assert_close(found, seen.trace.attention[block], rtol=1e-3, atol=1e-5)


@torch.no_grad()
def test_a_prompt_that_is_a_copy_of_cls_reads_as_cls_does() -> None:
    vit = small_vit()
    cls = vit.embed_image(IMAGES)[0, :1]
    seen = look(vit, Prompts(tokens=torch.cat((torch.randn(1, 48), cls))))
    maps = prompt_maps(seen, 0)
    assert maps.shape == (2, 2, 4, 4)
    torch.testing.assert_close(maps[:, 1], cls_map(seen, 0), rtol=1e-4, atol=1e-6)
    assert not torch.allclose(maps[:, 0], cls_map(seen, 0), rtol=1e-2)
