"""The digest of what a loaded backbone computes with."""

from __future__ import annotations

import gc

import pytest
import torch

from sweeper.backbones import weights_digest as module
from sweeper.backbones.random_vit import random_vit
from sweeper.backbones.setting import Setting
from sweeper.backbones.weights_digest import weights_digest


def test_the_same_tensors_have_the_same_digest_whatever_they_are_called() -> None:
    one, other = random_vit(), random_vit(setting=Setting(pooling="mean", final_norm="fresh"))
    assert weights_digest(one) == weights_digest(other)
    assert len(weights_digest(one)) == 16
    assert set(weights_digest(one)) <= set("0123456789abcdef")


@pytest.mark.parametrize("name", ["blocks.1.mlp.fc2.bias", "head.weight", "cls_token"])
def test_one_number_moves_it(name: str) -> None:
    backbone, other = random_vit(), random_vit()
    with torch.no_grad():
        other.tensors()[name].view(-1)[0].add_(1e-3)
    assert weights_digest(other) != weights_digest(backbone)


def test_names_count() -> None:
    backbone, other = random_vit(), random_vit()
    first, second = "blocks.0.norm1.bias", "blocks.0.norm2.bias"
    with torch.no_grad():
        for one, two in ((first, second), (second, first)):
            other.tensors()[one].copy_(backbone.tensors()[two])
    assert weights_digest(other) != weights_digest(backbone)


def test_it_is_computed_once_a_backbone_and_keeps_none_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backbone = random_vit()
    first, known = weights_digest(backbone), len(module._KNOWN)
    with monkeypatch.context() as patch:
        patch.setattr(backbone, "tensors", lambda: pytest.fail("read again"))
        assert weights_digest(backbone) == first
    del backbone, patch
    gc.collect()
    assert len(module._KNOWN) < known
