from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from sweeper import discovery
from sweeper.backbones.clip import ClipBackbone
from tests.base_vit import base_vit
from tests.small_vit import small_vit, small_vit_model

ADAPTER: Any = discovery.find("adapter", Path())
CLASSES = ("red", "green", "blue")


def build(backbone: Any, **params: Any) -> Any:
    settings = ADAPTER.params(**params)
    return ADAPTER.module(
        backbone=backbone, classes=CLASSES, template="a {}", params=settings, seed=0
    )


@pytest.mark.parametrize(
    ("bottleneck", "parameters"), [(8, 156_768), (12, 230_544), (96, 1_779_840)]
)
def test_count_at_vit_b16(bottleneck: int, parameters: int) -> None:
    module = build(base_vit(), bottleneck=bottleneck, head="mapped")
    assert sum(p.numel() for p in module.parameters()) == parameters
    assert 12 * (2 * 768 * bottleneck + bottleneck + 768) == parameters


# mean over the tasks of FGVC (1,173 classes) and VTAB-1k (940), as VPT Table 1 prints it
@pytest.mark.parametrize(("classes", "printed"), [(1173 / 5, "0.41"), (940 / 19, "0.27")])
def test_count_with_heads_is_what_vpt_prints(classes: float, printed: str) -> None:
    assert f"{(230_544 + classes * 769) / 1e6:.2f}" == printed


@pytest.mark.parametrize("settings", [{}, {"init_values": 0.3}])
def test_logits_are_those_of_the_library_with_a_network_behind_each_mlp(settings: Any) -> None:
    module = build(small_vit(**settings), head="mapped", init="noah").double()
    module.backbone._model.double()
    model: Any = small_vit_model(**settings).double()
    for number, block in enumerate(model.blocks):
        down, up = module.down[number], module.up[number]

        def after(_: Any, __: Any, out: Any, down: Any = down, up: Any = up) -> Any:
            hidden = F.gelu(out @ down.weight.T + down.bias)
            return out + hidden @ up.weight.T + up.bias

        block.mlp.register_forward_hook(after)
    images = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    found = module(images)
    assert torch.allclose(found, model(images)[:, :3], atol=1e-10)
    plain = module.head(module.backbone.encode_image(images))
    assert not torch.allclose(found, plain, atol=1e-3)


@pytest.mark.parametrize("init", ["vpt", "up_zero"])
def test_with_zero_for_up_it_starts_as_the_frozen_tower(backbone: ClipBackbone, init: str) -> None:
    module, images = build(backbone, init=init), torch.randn(2, 3, 32, 32)
    assert torch.equal(module(images), module.head(backbone.encode_image(images)))


def moved(module: Any) -> set[str]:
    """Parts of the adapters that three steps of SGD change."""
    start = {name: value.clone() for name, value in module.state_dict().items()}
    steps = torch.optim.SGD(module.parameters(), lr=0.1)
    images = torch.randn(6, 3, 32, 32)
    for _ in range(3):
        steps.zero_grad()
        torch.autograd.backward(F.cross_entropy(module(images), torch.arange(6) % 3))
        steps.step()
    names = {n for n, value in module.state_dict().items() if not torch.equal(value, start[n])}
    return {f"{n.split('.')[0]}.{n.split('.')[2]}" for n in names if not n.startswith("head")}


def test_a_double_zero_learns_the_bias_of_up_and_nothing_else(backbone: ClipBackbone) -> None:
    assert moved(build(backbone, init="vpt")) == {"up.bias"}
    everything = {"down.weight", "down.bias", "up.weight", "up.bias"}
    assert moved(build(backbone, init="up_zero")) == everything
    assert moved(build(backbone, init="noah")) == everything


def test_networks_start_as_their_sources_say(backbone: ClipBackbone) -> None:
    module, width = build(backbone, init="noah", bottleneck=96), 48
    bound = math.sqrt(6 / (width + 96))
    for layer in (*module.down, *module.up):
        assert 0.99 * bound < layer.weight.abs().max().item() <= bound
        assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.03)
        assert layer.bias.std().item() == pytest.approx(1e-6, rel=0.4)
    module = build(backbone, init="up_zero", bottleneck=96)
    for down, up in zip(module.down, module.up, strict=True):
        bound = 1 / math.sqrt(width)
        assert 0.99 * bound < down.weight.abs().max().item() <= bound
        assert down.bias.abs().max().item() <= bound
        assert not up.weight.any()
        assert not up.bias.any()
    weights = [down.weight for down in module.down]
    assert not torch.equal(weights[0], weights[1])


def test_an_absent_head_is_refused() -> None:
    assert "head text" in (ADAPTER.skip(ADAPTER.params(head="text"), small_vit().info) or "")
    assert ADAPTER.skip(ADAPTER.params(), small_vit().info) is None
