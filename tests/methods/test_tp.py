from __future__ import annotations

from pathlib import Path

import torch
from open_clip.tokenizer import tokenize

from sweeper import discovery
from sweeper.backbones.clip import ClipBackbone
from tests.small_clip import small_model

TP = discovery.find("tp", Path())


def test_logits_are_those_of_the_library(backbone: ClipBackbone) -> None:
    classes = ("Red", "dark_green", "blue")
    module = TP.module(
        backbone=backbone, classes=classes, template="a {} thing", params=TP.params(), seed=0
    )
    images, model = torch.randn(4, 3, 32, 32), small_model().eval()
    texts = tokenize(["a red thing", "a dark green thing", "a blue thing"], context_length=40)
    with torch.no_grad():
        expected, _ = model.get_logits(images, texts)
        assert torch.allclose(module(images), expected, atol=1e-4)


def test_nothing_is_trainable_and_nothing_is_saved(backbone: ClipBackbone) -> None:
    module = TP.module(
        backbone=backbone, classes=("a", "b"), template="{}", params=TP.params(), seed=0
    )
    assert not TP.trains
    assert list(module.parameters()) == []
    assert module.state_dict() == {}
