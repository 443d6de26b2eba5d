"""A data set as a trial sees it: decoded splits, class names, a text template."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class TaskInfo:
    """What is known of a task before its images are decoded."""

    name: str
    data: str  # version of a built-in rendering, or digest of a folder's content
    description: str
    classes: tuple[str, ...]
    template: str  # with '{}' for the class name
    sizes: dict[str, int]  # images in train, val, test
    metric: str = "top-1"
    available: str = ""  # empty, or why it cannot be used here and how to get it
    parts: dict[str, range] = field(default_factory=dict)  # of a joint task: its images in test
    joined: tuple[TaskInfo, ...] = ()  # what is known of those parts
    licence: str = ""
    source: str = ""  # where it comes from
    rule: str = ""  # who says which image is in which split: 'official', 'generated', ...
    templates: dict[str, str] = field(default_factory=dict)  # others by name: `coop`
    test_classes: tuple[int, ...] = ()  # labels that test is classified among; empty: all


@dataclass(frozen=True)
class Split:
    """Images uint8 [N, 3, S, S] at the backbone's size, labels int64 [N]."""

    images: Tensor
    labels: Tensor
    known: str = ""  # its digest, where whoever stored it on disk has computed it

    def __len__(self) -> int:
        return len(self.labels)

    def digest(self) -> str:
        """Digest of pixels and labels: 16 hexadecimal digits."""
        return self.known or self._digest

    @cached_property
    def _digest(self) -> str:  # gigabytes for some tasks, and each trial asks
        found = hashlib.sha256(self.images.contiguous().numpy().data)
        found.update(self.labels.contiguous().numpy().data)
        return found.hexdigest()[:16]


def together(first: Split, second: Split) -> Split:
    """One after the other; no image is copied where they lie like that, as decoded ones do."""
    one, other = first.images, second.images
    if (
        one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()
        and one.data_ptr() + one.nbytes == other.data_ptr()
        and one.is_contiguous()
        and other.is_contiguous()
    ):
        images = one.as_strided((len(one) + len(other), *one.shape[1:]), one.stride())
    else:
        images = torch.cat([one, other])
    return Split(images, torch.cat([first.labels, second.labels]))


@dataclass(frozen=True)
class Task:
    """A loaded task. Val is read for selection, test once, at the end."""

    info: TaskInfo
    train: Split
    val: Split
    test: Split
