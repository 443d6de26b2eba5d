"""Which epoch's parameters are tested: what `protocol.selection` looks at, and what it keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from torch import nn

from sweeper.errors import InputError, Problem
from sweeper.records import Score
from sweeper.spec.trial import Protocol
from sweeper.train.checkpoint import Checkpoint
from sweeper.train.state import state_of


def keep_best(
    method: nn.Module, at: Checkpoint, protocol: Protocol, val: Score, test: Callable[[], Score]
) -> Checkpoint:
    """`at` with a copy of the parameters of `method`, where this epoch is the best so far.

    `test` is called only where the protocol selects on it. A tie keeps the earlier epoch.
    """
    if protocol.selection == "last":
        return at
    acc = (val if protocol.selection == "best_val" else test()).acc
    if at.best_acc is not None and acc <= at.best_acc:
        return at
    best = {name: value.clone() for name, value in state_of(method).items()}
    return replace(at, best=best, best_acc=acc)


def check(protocol: Protocol) -> None:
    """Raises InputError where the selection would look at images that were trained on."""
    if protocol.selection == "best_val" and protocol.train_on == "train+val":
        raise InputError(
            Problem(
                "protocol.selection",
                "best_val with train_on: train+val",
                "last where val is trained on",
                "Selecting on images that were trained on says nothing.",
            )
        )
