"""What a method reads of a split: images, or features that nothing trainable touches.

Symbols: N images of a split, B images of a batch, S pixels, F features, K classes, T tokens,
D width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sweeper.backbones.backbone import Preprocessing
from sweeper.method import Examples, FrozenFeatures
from sweeper.spec.trial import Protocol
from sweeper.tasks.task import Split, Task, together
from sweeper.train.features import ONCE, Features
from sweeper.train.piece import pieces

WHOLE_BATCH = 500  # images a forward pass where no gradient is kept


@dataclass(frozen=True)
class Inputs:
    """A split as the method reads it: `values` [N, ...], `labels` [N], the way to logits."""

    values: Tensor  # uint8 [N, 3, S, S], or features float32 [N, F] or tokens [N, T, D]
    labels: Tensor  # int64 [N]
    forward: Callable[[Tensor], Tensor]  # values [B, ...] -> logits [B, K]
    device: torch.device
    # values on the device and their places in the split -> what is read: see `augmentation`
    alter: Callable[[Tensor, Tensor | slice], Tensor] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, index: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Logits float32 [B, K] and labels [B] of the images at `index`, on the device."""
        labels = self.labels[index].to(self.device, non_blocking=True)
        values = self.values[index].to(self.device, non_blocking=True)
        return self.forward(values if self.alter is None else self.alter(values, index)), labels


def prepare(
    method: nn.Module,
    split: Split,
    *,
    preprocessing: Preprocessing,
    device: torch.device,
    precision: str,
    features: Features = ONCE,
    changing: bool = False,
) -> Inputs:
    """The inputs that `method` reads for `split`.

    A `FrozenFeatures` method has its features computed here, once, or read from where `features`
    keeps them, unless its images are `changing` from epoch to epoch; so has an `EntersLate` method
    its tokens, where `features` says so and there is room. Any other reads the images, normalised
    batch by batch on the device.
    """
    normalised = _normalisation(preprocessing, device)

    def run(part: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            return part(values).float()

    encode = features.encode
    if encode is None and isinstance(method, FrozenFeatures):
        encode = method.features
    if changing or encode is None or not (features.once and features.has_room(split, device)):
        values = _resident(split.images, device)
        labels = split.labels.to(values.device)
        return Inputs(values, labels, lambda images: run(method, normalised(images)), device)

    head: Any = method  # FrozenFeatures, or EntersLate

    def compute() -> Iterator[Tensor]:
        method.eval()
        with torch.no_grad():  # not inference_mode: the head's backward pass keeps these features
            yield from pieces(
                lambda part: run(encode, normalised(split.images[part].to(device))),
                range(len(split)),
                WHOLE_BATCH,
            )

    values = _resident(features.values(split, compute), device)
    labels = split.labels.to(values.device)
    return Inputs(values, labels, lambda found: run(head.classify, found), device)


def examples(split: Split, preprocessing: Preprocessing, device: torch.device) -> Examples:
    """`split` as a method reads it by itself: normalised as in training, labels on the device.

    The images stay where they are: most methods read each of them once.
    """
    normalised = _normalisation(preprocessing, device)

    def read(index: Tensor) -> Tensor:
        return normalised(split.images[index.to(split.images.device)].to(device))

    return Examples(read, split.labels.to(device))


def trained_on(task: Task, protocol: Protocol) -> Split:
    """The split that `protocol` trains on."""
    if protocol.train_on == "train":
        return task.train
    return together(task.train, task.val)


def _normalisation(
    preprocessing: Preprocessing, device: torch.device
) -> Callable[[Tensor], Tensor]:
    """uint8 [B, 3, S, S] on the device -> float32: (pixel / 255 - mean) / std."""
    scale = 1 / (255 * torch.tensor(preprocessing.std, device=device).view(3, 1, 1))
    shift = -(
        torch.tensor(preprocessing.mean, device=device)
        / torch.tensor(preprocessing.std, device=device)
    ).view(3, 1, 1)
    return lambda images: images.to(torch.float32).mul_(scale).add_(shift)


def _resident(images: Tensor, device: torch.device) -> Tensor:
    """`images` on the device where half of its free memory holds them, else where they are."""
    if device.type == "cuda" and images.nbytes > torch.cuda.mem_get_info(device)[0] // 2:
        return images
    return images.to(device)
