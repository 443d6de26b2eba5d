"""A trained trial as an analysis sees it, and the images that it is looked at with.

Symbols: M images read, B images of a batch, H = W pixels, S pixels of the backbone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from sweeper.analysis.observe import Observation, observed
from sweeper.backbones.backbone import Backbone
from sweeper.errors import InputError, Problem
from sweeper.seeds import generator
from sweeper.tasks.task import Split, Task
from sweeper.train.inputs import Inputs, prepare

BATCH = 64  # images: every token of every block is kept


@dataclass(frozen=True)
class Subject:
    """A trained module with what it was trained on. Module and backbone stand on `device`."""

    module: nn.Module  # is put into eval mode
    backbone: Backbone  # the one that the module was built on
    task: Task
    seed: int  # of the trial; draws of an analysis are keyed by it
    device: torch.device
    split: Literal["val", "test"] = "test"
    limit: int | None = None  # images, drawn at random where the split has more; None: all
    reference: str = ""  # the task that `distance` measures from; empty: its default
    # Epoch -> file of `sweeper.train.trained`: how the module stood then, where that was kept
    snapshots: Mapping[int, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = []
        if self.limit is not None and self.limit < 1:
            problems.append(Problem("limit", str(self.limit), "at least 1 image, or none given"))
        if self.split not in ("val", "test"):
            problems.append(Problem("split", f"'{self.split}'", "val or test"))
        elif not len(self._whole):
            where = f"task '{self.task.info.name}'"
            problems.append(Problem(where, f"no {self.split} images", "at least one"))
        if problems:
            raise InputError(problems)

    @cached_property
    def places(self) -> Tensor:
        """Places [M] in the split of the images that are read, ascending."""
        count = len(self._whole)
        draw = generator(self.seed, "analysis", "images")
        return torch.randperm(count, generator=draw)[: self.limit].sort().values

    @cached_property
    def images(self) -> Split:
        """The images that are read."""
        return Split(self._whole.images[self.places], self._whole.labels[self.places])

    @property
    def _whole(self) -> Split:
        return self.task.val if self.split == "val" else self.task.test

    @property
    def method(self) -> str:
        """The module's file, for messages."""
        return type(self.module).__module__

    def refusal(self, analysis: str, got: str, expected: str, hint: str = "") -> InputError:
        """The error of an analysis that cannot be made of this subject."""
        return InputError(Problem(f"analysis '{analysis}' of '{self.method}'", got, expected, hint))


@dataclass(frozen=True)
class Reading:
    """A batch of images and what the method did with it."""

    places: Tensor  # [B], in the split
    images: Tensor  # [B, 3, H, W], normalised
    labels: Tensor  # [B]
    observation: Observation
    texts: Tensor | None = None  # the features that the method encoded texts to, where it did


def normalised(subject: Subject) -> Inputs:
    """The images as a method reads them, [.., 3, H, W] on the device, and their labels."""
    return prepare(
        nn.Identity(),  # its logits are the images
        subject.images,
        preprocessing=subject.backbone.info.preprocessing,
        device=subject.device,
        precision="fp32",
    )


def batches(subject: Subject) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Places [B], normalised images [B, 3, H, W] and labels [B], images on the device."""
    inputs = normalised(subject)
    for start in range(0, len(inputs), BATCH):
        part = slice(start, start + BATCH)
        images, labels = inputs.batch(part)
        yield subject.places[part], images, labels


def readings(subject: Subject, analysis: str) -> Iterator[Reading]:
    """The images in batches through the method, without gradients.

    Raises:
        InputError: the method does not pass images through its backbone's `encode_image`, or
            nothing is to be seen inside of that.
    """
    info = subject.backbone.info
    if "input_tokens" not in info.ways:
        got = f"backbone '{info.name}' is taken whole"
        raise subject.refusal(analysis, got, "a plain ViT, whose blocks can be seen into")
    subject.module.eval()
    for places, images, labels in batches(subject):
        # no_grad, not inference_mode: text features that the backbone keeps serve training too
        with observed(subject.module, subject.backbone) as backbone, torch.no_grad():
            backbone.last = backbone.texts = None
            subject.module(images)
            seen = backbone.last
        if seen is None:
            raise subject.refusal(
                analysis,
                "images do not pass through the backbone's encode_image",
                "a method that reads its features from there",
            )
        yield Reading(places, images, labels, seen, backbone.texts)


def prompted(subject: Subject, analysis: str) -> Iterator[Reading]:
    """As `readings`, of a method whose prompts are tokens in the image tower.

    Raises:
        InputError: besides, there are no such prompts.
    """
    for reading in readings(subject, analysis):
        if not reading.observation.prompted_blocks():
            raise subject.refusal(
                analysis, "no prompt tokens in the image tower", "a method that puts some there"
            )
        yield reading
