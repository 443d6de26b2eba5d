from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sweeper.analysis.subject import Subject, batches, readings
from sweeper.backbones.backbone import Backbone
from sweeper.backbones.clip import ClipBackbone
from sweeper.errors import InputError
from tests.analysis import tiny


def subject(backbone: ClipBackbone) -> Subject:
    return Subject(tiny.method("iip", backbone), backbone, tiny.task(), seed=0, device=tiny.CPU)


def test_batches_are_the_whole_split_normalised_as_the_backbone_wants(
    backbone: ClipBackbone,
) -> None:
    found = subject(backbone)
    places, images, labels = (torch.cat(parts) for parts in zip(*batches(found), strict=True))
    assert places.tolist() == list(range(70))
    assert torch.equal(labels, found.task.test.labels)
    expected = (found.task.test.images / 255 - 0.5) / 0.25
    torch.testing.assert_close(images, expected, rtol=1e-5, atol=1e-5)


def test_a_limit_draws_the_same_images_again_from_all_over_the_split(
    backbone: ClipBackbone,
) -> None:
    few = replace(subject(backbone), limit=10)
    assert len(few.places) == 10
    assert few.places.tolist() == sorted(set(few.places.tolist()))
    assert few.places[-1] > 20
    assert torch.equal(few.places, replace(few).places)
    assert torch.equal(few.images.labels, few.task.test.labels[few.places])
    assert not torch.equal(few.places, replace(few, seed=1).places)


def test_val_is_read_where_it_is_asked_for(backbone: ClipBackbone) -> None:
    found = replace(subject(backbone), split="val")
    assert torch.equal(found.images.images, found.task.val.images)


def test_readings_leave_module_backbone_and_gradients_as_they_were(backbone: ClipBackbone) -> None:
    found = subject(backbone)
    module: Any = found.module
    for reading in readings(found, "any"):
        assert not reading.observation.features.requires_grad
        assert torch.is_grad_enabled()
        assert module.backbone is backbone
    assert not module.training


def test_all_mistakes_are_told_at_once(backbone: ClipBackbone) -> None:
    with pytest.raises(InputError) as error:
        replace(subject(backbone), limit=0, split="train")  # type: ignore[arg-type]
    assert [problem.where for problem in error.value.problems] == ["limit", "split"]


class Blind(nn.Module):
    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3))


def test_a_method_that_does_not_ask_for_features_is_refused(backbone: ClipBackbone) -> None:
    found = replace(subject(backbone), module=Blind(backbone))
    with pytest.raises(InputError, match=r"analysis 'x' .* do not pass through"):
        next(readings(found, "x"))
