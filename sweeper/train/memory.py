"""What a trial needs of the memory of its device, from a step on a few images.

Counted is what is there at the end of a forward pass: the frozen weights, the images or features
that stay on the device, what trains with its gradients and the optimiser's memory, and what
autograd keeps of a batch. Not counted is what exists for a moment: some ten per cent of the last.

Symbols: B images of a batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from sweeper.backbones.backbone import Backbone
from sweeper.method import Plugin
from sweeper.seeds import keyed
from sweeper.spec.trial import TrialSpec
from sweeper.tasks.task import Split, Task
from sweeper.train.features import NEVER, Features
from sweeper.train.inputs import Inputs, prepare
from sweeper.train.state import trainable
from sweeper.train.trial import build

FEW = (2, 3)  # images of the two steps: BatchNorm needs two
COPIES = {"sgd": 3, "adamw": 4}  # of what trains: itself, its gradient, momenta


@dataclass(frozen=True)
class Memory:
    """Bytes, by what they hold."""

    weights: int  # of the frozen network, and what the method derives from it
    data: int  # images or features of train and val
    trained: int  # parameters, gradients, the optimiser's memory
    batch: int  # what autograd keeps of one batch

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.data + self.trained + self.batch

    def on_gpu(self, room: int) -> int:
        """Of a GPU with `room`: images that fill more than half of what is left stay outside."""
        left = room - self.weights
        return self.total - (self.data if self.data > left // 2 else 0)


def memory_of_trial(
    spec: TrialSpec,
    *,
    plugin: Plugin,
    backbone: Backbone,
    task: Task,
    device: torch.device,
    workers: int = 1,
) -> Memory:
    """What each of the workers of `spec` needs; `backbone` is on `device`. Nothing is kept."""
    method = build(spec, plugin, backbone, task).to(device)
    features = Features.of(plugin, method, backbone, spec.recipe)
    few = Split(task.train.images[: FEW[-1]], task.train.labels[: FEW[-1]])
    inputs = prepare(
        method,
        few,
        preprocessing=backbone.info.preprocessing,
        device=device,
        precision=spec.protocol.precision,
        features=features if features.has_room(task.train, device) else NEVER,
    )
    apart = [*backbone.tensors().values(), *method.parameters(), *method.buffers(), inputs.values]
    images = len(task.train) + (len(task.val) if spec.protocol.train_on == "train+val" else 0)
    batch = spec.recipe.batch_size
    return Memory(
        weights=_bytes((*backbone.tensors().values(), *method.buffers())),
        data=inputs.values[:1].nbytes * (images + len(task.val)),
        trained=COPIES[spec.recipe.optimizer] * _bytes(trainable(method).values()),
        batch=batch_bytes(method, inputs, apart, min(math.ceil(batch / workers), images)),
    )


def batch_bytes(method: nn.Module, inputs: Inputs, apart: Iterable[Tensor], batch_size: int) -> int:
    """What autograd keeps of `batch_size` images, in a line through what it keeps of a few."""
    if not trainable(method):
        return 0
    one, two = (saved_bytes(method, inputs, count, apart) for count in FEW)
    return max(one, round(one + (two - one) * (batch_size - FEW[0]) / (FEW[1] - FEW[0])))


def saved_bytes(method: nn.Module, inputs: Inputs, count: int, apart: Iterable[Tensor]) -> int:
    """Bytes that autograd keeps of a training step on the first `count` of `inputs`, each storage
    once, without those of the tensors `apart`.
    """
    known = {tensor.untyped_storage().data_ptr() for tensor in apart}
    found: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            found[storage.data_ptr()] = storage.nbytes()
        return tensor

    method.train()
    with keyed(0, "memory"), torch.autograd.graph.saved_tensors_hooks(pack, _unpack):
        logits, labels = inputs.batch(torch.arange(count, device=inputs.values.device))
        loss = functional.cross_entropy(logits, labels)
        del logits, labels
        total = sum(found.values())
        del loss  # what was kept lives until here, so no storage came twice
    return total


def _bytes(tensors: Iterable[Tensor]) -> int:
    """Of each storage once: a text classifier may be a buffer of many."""
    storages = {tensor.untyped_storage().data_ptr(): tensor for tensor in tensors}
    return sum(tensor.untyped_storage().nbytes() for tensor in storages.values())


def _unpack(tensor: Tensor) -> Tensor:
    return tensor
