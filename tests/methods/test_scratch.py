from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sweeper import discovery
from sweeper.backbones.clip import ClipBackbone

SCRATCH: Any = discovery.find("scratch", Path())
PGN: Any = discovery.find("pgn", Path())
CLASSES = ("red", "green", "blue")


def build(plugin: Any, backbone: Any, seed: int = 0, **params: Any) -> Any:
    settings = plugin.params(**params)
    return plugin.module(
        backbone=backbone, classes=CLASSES, template="a {}", params=settings, seed=seed
    )


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("params", "trunk", "features"),
    [
        ({}, 307_312, 128),
        ({"stem": "conv7"}, 309_232, 128),
        ({"network": "resnet18"}, 11_176_512, 512),
    ],
)
def test_the_count_is_that_of_pgns_trunk_and_a_linear_layer(
    params: dict[str, Any], trunk: int, features: int, backbone: ClipBackbone
) -> None:
    assert count(build(SCRATCH, backbone, **params)) == trunk + 3 * (features + 1)


def test_it_is_the_very_network_of_pgns_trunk(backbone: ClipBackbone) -> None:
    own = build(SCRATCH, backbone, resolution=32, stem="conv7").eval()
    other = build(PGN, backbone, resolution=32, stem="conv7").eval()
    other.model.load_state_dict(
        {name: v for name, v in own.model.state_dict().items() if "output_net" not in name},
        strict=False,
    )
    own.model.output_net[2], other.model.output_net[2] = torch.nn.Identity(), torch.nn.Identity()
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(own(images), other.model(images))


def test_images_are_resized_and_the_backbone_is_not_asked(
    backbone: ClipBackbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = build(SCRATCH, backbone, resolution=16).eval()

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("the frozen network was asked")

    for name in ("encode_image", "embed_image", "classifier"):
        monkeypatch.setattr(backbone, name, refuse)
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    small = torch.nn.functional.interpolate(
        images, (16, 16), mode="bilinear", align_corners=False, antialias=True
    )
    with torch.no_grad():
        assert torch.equal(module(images), module(small))


def test_the_preset_is_the_papers_table() -> None:
    paper = SCRATCH.presets["paper"]
    of_pgn = PGN.presets["paper"]
    shared = set(paper) & set(of_pgn)
    assert {name: paper[name] for name in shared} == {name: of_pgn[name] for name in shared}
    assert paper["stem"] == "conv7"
