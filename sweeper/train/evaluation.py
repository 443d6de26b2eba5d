"""Accuracy and loss over a whole split."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from sweeper.records import PART, Score
from sweeper.tasks.task import Split, Task
from sweeper.train.inputs import WHOLE_BATCH, Inputs
from sweeper.train.piece import pieces
from sweeper.train.shard import WHOLE, Shard


def evaluate(method: nn.Module, inputs: Inputs, shard: Shard = WHOLE) -> Score:
    """Top-1 and mean cross-entropy of `method`, in evaluation mode, over all of `inputs`.

    With several workers each reads its part, and all get the same score.
    """
    method.eval()
    mine = shard.part(len(inputs))
    tally = torch.zeros(2, dtype=torch.float64, device=inputs.device)  # loss, hits
    with torch.inference_mode():
        places = range(mine.start, mine.stop)
        for logits, labels in pieces(inputs.batch, places, WHOLE_BATCH):
            tally[0] += functional.cross_entropy(logits, labels, reduction="sum")
            tally[1] += (logits.argmax(dim=1) == labels).sum()
        shard.sum([tally])
    loss, hits = tally.tolist()
    return Score(acc=hits / len(inputs), loss=loss / len(inputs), n=len(inputs))


def by_part(score: Callable[[Split], Score], task: Task) -> tuple[Score, dict[str, float]]:
    """The score over the test split, and "test/acc/<part>" for each part of a joint task.

    `score` reads every image once: over all parts, hits and losses are those of the parts.
    """
    if not task.info.parts:
        return score(task.test), {}
    images, labels = task.test.images, task.test.labels
    found = {
        name: score(Split(images[places.start : places.stop], labels[places.start : places.stop]))
        for name, places in task.info.parts.items()
    }
    n = sum(part.n for part in found.values())
    hits = sum(round(part.acc * part.n) for part in found.values())
    loss = sum(part.loss * part.n for part in found.values()) / n
    return Score(hits / n, loss, n), {PART + name: part.acc for name, part in found.items()}
