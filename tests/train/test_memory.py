"""The memory that a trial needs, against a count by hand and against larger batches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sweeper import discovery
from sweeper.seeds import generator, keyed
from sweeper.spec.trial import Protocol, TrialSpec
from sweeper.tasks.task import Split, Task, TaskInfo
from sweeper.train.inputs import prepare
from sweeper.train.memory import Memory, batch_bytes, memory_of_trial, saved_bytes
from tests.small_clip import small_clip
from tests.small_vit import small_vit

from . import tiny

CPU = torch.device("cpu")


class Network(nn.Module):
    """pixels -> 10 -> sigmoid -> 3: autograd keeps the pixels, the 10, and the log-softmax."""

    def __init__(self) -> None:
        super().__init__()
        with keyed(0, "network"):
            self.into, self.out = nn.Linear(192, 10), nn.Linear(10, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.out(torch.sigmoid(self.into(images.flatten(1))))


def inputs(method: nn.Module) -> Any:
    split = tiny.task().train
    return prepare(method, split, preprocessing=tiny.PREPROCESSING, device=CPU, precision="fp32")


@pytest.mark.parametrize("count", [2, 3, 20])
def test_each_storage_that_autograd_keeps_is_counted_once(count: int) -> None:
    method = Network()
    floats, labels = count * (192 + 10 + 3), count
    scalar = 4  # the weight of all images together
    weights = list(method.parameters())
    found = saved_bytes(method, inputs(method), count, weights)
    assert found == 4 * floats + 8 * labels + scalar
    more = saved_bytes(method, inputs(method), count, [])
    assert more == found + method.out.weight.nbytes  # it leads back to what trains before it


def test_a_batch_lies_on_the_line_through_a_few_images() -> None:
    method = Network()
    weights = list(method.parameters())
    expected = saved_bytes(method, inputs(method), 20, weights)
    assert batch_bytes(method, inputs(method), weights, 20) == expected


def task(size: int) -> Task:
    classes = ("red", "green", "blue")
    info = TaskInfo("noise", "noise-1", "for tests", classes, "a {}", {})
    draw = generator(0, "noise")
    shape = (40, 3, size, size)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=draw)
    split = Split(images, torch.arange(40) % 3)
    return Task(info, split, replace(split, images=images[:12], labels=split.labels[:12]), split)


def trial(method: str, backbone: Any, batch_size: int) -> TrialSpec:
    params = discovery.find(method, Path()).params
    own = {"head": "mapped"} if "head" in params.model_fields and backbone.info.head_classes else {}
    return TrialSpec(
        method=method,
        params=params(**own).model_dump(),
        backbone=backbone.info.name,
        weights=backbone.info.weights,
        task="noise",
        data="noise-1",
        recipe=tiny.recipe(batch_size=batch_size, optimizer="adamw"),
        protocol=Protocol(),
        seed=0,
    )


def needed(method: str, backbone: Any, batch_size: int, **own: Any) -> Memory:
    return memory_of_trial(
        trial(method, backbone, batch_size),
        plugin=discovery.find(method, Path()),
        backbone=backbone,
        task=task(32),
        device=CPU,
        **own,
    )


def kept(method: str, backbone: Any, count: int) -> int:
    """What autograd really keeps of `count` images."""
    plugin, spec = discovery.find(method, Path()), trial(method, backbone, count)
    module = plugin.module(
        backbone=backbone,
        classes=task(32).info.classes,
        template="a {}",
        params=plugin.params(**spec.params),
        seed=0,
    )
    read = prepare(
        module,
        task(32).train,
        preprocessing=backbone.info.preprocessing,
        device=CPU,
        precision="fp32",
    )
    frozen = [*backbone.tensors().values(), *module.parameters(), *module.buffers(), read.values]
    return saved_bytes(module, read, count, frozen)


@pytest.mark.parametrize("method", [m for m in discovery.names() if m != "tp"])
def test_the_estimate_is_within_a_tenth_of_a_large_batch(method: str) -> None:
    plugin = discovery.find(method, Path())
    vit = small_vit()
    backbone = small_clip() if plugin.skip(plugin.params(), vit.info) else vit
    expected = kept(method, backbone, 32)
    assert expected > 0
    assert needed(method, backbone, 32).batch == pytest.approx(expected, rel=0.1)


def test_all_that_stays_on_the_device_is_counted() -> None:
    backbone = small_vit()
    found = needed("lp", backbone, 8)
    assert found.weights == sum(tensor.nbytes for tensor in backbone.tensors().values())
    assert found.data == 4 * 48 * (40 + 12)  # features, which take the place of images
    assert found.trained == 4 * 4 * (3 * 48 + 3)  # weight, gradient and AdamW's two moments
    assert found.total == found.weights + found.data + found.trained + found.batch
    images = needed("vp", backbone, 8)
    assert images.data == 3 * 32 * 32 * (40 + 12)
    assert needed("vp", backbone, 8, workers=2).batch == needed("vp", backbone, 4).batch
    assert needed("vp", backbone, 400).batch == needed("vp", backbone, 40).batch


def test_what_trains_nothing_keeps_nothing() -> None:
    found = needed("tp", small_clip(), 8)
    assert (found.trained, found.batch) == (0, 0)
    assert found.weights > 0


def test_images_that_fill_more_than_half_of_what_is_left_do_not_count() -> None:
    memory = Memory(weights=10, data=50, trained=5, batch=20)
    assert memory.on_gpu(110) == memory.total == 85
    assert memory.on_gpu(109) == 35
