from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from sweeper import discovery
from sweeper.backbones.clip import ClipBackbone

LP = discovery.find("lp", Path())
CLASSES = tuple(f"class {k}" for k in range(7))


def build(backbone: ClipBackbone, **params: Any) -> Any:
    settings = LP.params(**params)
    return LP.module(backbone=backbone, classes=CLASSES, template="{}", params=settings, seed=0)


def test_count_is_classes_times_features_and_a_bias(backbone: ClipBackbone) -> None:
    assert sum(p.numel() for p in build(backbone).parameters()) == 7 * (24 + 1)


@pytest.mark.parametrize(
    ("classes", "features", "parameters"),
    [(968, 512, 496_584), (968, 768, 744_392)],  # PGN Table 5 prints 0.75M, the second
)
def test_formula_gives_the_sums_over_twelve_data_sets(
    classes: int, features: int, parameters: int
) -> None:
    assert classes * (features + 1) == parameters


def test_logits_are_an_affine_map_of_the_raw_features(backbone: ClipBackbone) -> None:
    module, images = build(backbone), torch.randn(3, 3, 32, 32)
    features = backbone.encode_image(images)
    with torch.no_grad():
        for image in range(3):
            for k in range(7):
                expected = features[image] @ module.weight[k] + module.bias[k]
                assert torch.allclose(module(images)[image, k], expected, atol=1e-5)


def test_heads_start_as_their_sources_say(backbone: ClipBackbone) -> None:
    normal = build(backbone)
    assert normal.bias.count_nonzero() == 0
    assert normal.weight.abs().max().item() <= 0.04
    assert normal.weight.std().item() == pytest.approx(0.02 * 0.88, rel=0.15)
    kaiming = build(backbone, head_init="kaiming")
    assert torch.allclose(kaiming.bias, torch.tensor(-math.log(99)))
    assert kaiming.weight.std().item() == pytest.approx(math.sqrt(2 / 7), rel=0.15)
