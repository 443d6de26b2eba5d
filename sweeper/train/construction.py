"""The part of a method that is made from images before the first step, where it has one."""

from __future__ import annotations

import time
from collections.abc import Mapping

import torch
from torch import nn

from sweeper.backbones.backbone import Preprocessing
from sweeper.method import Constructs
from sweeper.spec.trial import Protocol
from sweeper.tasks.task import Split, Task
from sweeper.train.inputs import examples, trained_on


def construct(
    method: nn.Module,
    task: Task,
    others: Mapping[str, Split],
    protocol: Protocol,
    preprocessing: Preprocessing,
    device: torch.device,
) -> dict[str, float]:
    """Let a `Constructs` method read the split it is trained on and the `others`, by parameter.

    Returns {"construction_seconds": s}, or nothing for any other method. Runs in float32, in
    `eval` mode and without gradients; with several workers each constructs the same by itself.
    """
    if not isinstance(method, Constructs):
        return {}
    started = time.monotonic()
    method.eval()
    with torch.no_grad():
        method.construct(
            examples(trained_on(task, protocol), preprocessing, device),
            {name: examples(split, preprocessing, device) for name, split in others.items()},
        )
    if device.type == "cuda":
        torch.cuda.synchronize(device)  # the clock stops when the work is done, not queued
    return {"construction_seconds": time.monotonic() - started}
