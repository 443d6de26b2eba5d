"""Accuracy and loss over a whole split, and the metrics that some tasks have beside them.

Symbols: N images of a split, B of a batch, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from sweeper.records import PART, Score
from sweeper.tasks.task import Split, Task
from sweeper.train.inputs import WHOLE_BATCH, Inputs
from sweeper.train.piece import pieces
from sweeper.train.shard import WHOLE, Shard


@dataclass(frozen=True)
class Counts:
    """Sums over the images of a split, from which every metric follows; those of parts add up."""

    loss: float
    hits: int
    images: int
    by_class: Tensor  # float64 [3, K]: right ones, those taken for it, those of it; or K = 0

    @property
    def score(self) -> Score:
        """Top-1 and mean cross-entropy."""
        return Score(self.hits / self.images, self.loss / self.images, self.images)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.loss + other.loss,
            self.hits + other.hits,
            self.images + other.images,
            self.by_class + other.by_class,
        )


def mean_per_class(counts: Counts) -> float:
    """The mean of the classes' accuracies, over those that occur."""
    right, _, of_it = counts.by_class[:, counts.by_class[2] > 0]
    return float((right / of_it).mean())


def macro_f1(counts: Counts) -> float:
    """The mean of the classes' F1 scores, over those that occur among the labels, as in WILDS."""
    right, taken, of_it = counts.by_class[:, counts.by_class[2] > 0]
    return float((2 * right / (taken + of_it)).mean())


# `TaskInfo.metric` -> its name in the record, and what it is. Top-1 is always measured.
BESIDE: dict[str, tuple[str, Callable[[Counts], float]]] = {
    "mean per class": ("test/mean_per_class", mean_per_class),
    "macro F1": ("test/macro_f1", macro_f1),
}


def evaluate(
    method: nn.Module, inputs: Inputs, shard: Shard = WHOLE, among: Sequence[int] = ()
) -> Score:
    """Top-1 and mean cross-entropy of `method` over all of `inputs`, see `count`."""
    return count(method, inputs, shard, among=among).score


def count(
    method: nn.Module,
    inputs: Inputs,
    shard: Shard = WHOLE,
    *,
    classes: int = 0,
    among: Sequence[int] = (),
) -> Counts:
    """The sums of `method`, in evaluation mode, over all of `inputs`; by class for K `classes`.

    Images are classified among the labels `among`, if any are given. With several workers each
    reads its part, and all get the same sums.
    """
    method.eval()
    mine = shard.part(len(inputs))
    # loss, hits, and three sums for each class
    tally = torch.zeros(2 + 3 * classes, dtype=torch.float64, device=inputs.device)
    by_class = tally[2:].view(3, classes)
    with torch.inference_mode():
        places = range(mine.start, mine.stop)
        for logits, labels in pieces(inputs.batch, places, WHOLE_BATCH):
            logits = _only(logits, among)
            said = logits.argmax(dim=1)
            tally[0] += functional.cross_entropy(logits, labels, reduction="sum")
            tally[1] += (said == labels).sum()
            for row, found in enumerate((labels[said == labels], said, labels) if classes else ()):
                by_class[row] += torch.bincount(found, minlength=classes)
        shard.sum([tally])
    loss, hits = tally[:2].tolist()
    return Counts(loss, int(hits), len(inputs), tally[2:].view(3, classes).cpu())


def _only(logits: Tensor, among: Sequence[int]) -> Tensor:
    """`logits` [B, K] with all columns but `among` out of the question."""
    if not among:
        return logits
    closed = torch.ones(logits.shape[1], dtype=torch.bool, device=logits.device)
    closed[list(among)] = False
    return logits.masked_fill(closed, -torch.inf)


def on_test(read: Callable[[Split], Counts], task: Task) -> tuple[Score, dict[str, float]]:
    """The score over the test split, and what is measured beside it: the task's own metric, and
    "test/acc/<part>" for each part of a joint task. `read` reads every image once.
    """
    whole: Counts | None = None
    measured: dict[str, float] = {}
    images, labels = task.test.images, task.test.labels
    for name, places in task.info.parts.items():
        part = slice(places.start, places.stop)
        found = read(Split(images[part], labels[part]))
        measured[PART + name] = found.score.acc
        whole = found if whole is None else whole + found
    counts = whole or read(task.test)
    if task.info.metric in BESIDE:
        name, metric = BESIDE[task.info.metric]
        measured[name] = metric(counts)
    return counts.score, measured
