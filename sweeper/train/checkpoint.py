"""A trial between two epochs, as a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import (
    BaseModel,
    ConfigDict,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
)
from torch import Tensor

from sweeper.errors import CheckpointError
from sweeper.train import tensor_file

VERSION = 1


@dataclass(frozen=True)
class Checkpoint:
    """Where a trial stands after `epoch` epochs; tensors by the names of `sweeper.train.state`."""

    epoch: int  # epochs done
    step: int  # optimiser steps done
    seconds: float  # spent so far
    state: Mapping[str, Tensor]
    memory: Mapping[str, Tensor]  # the optimiser's
    best: Mapping[str, Tensor]  # state of the best epoch on val; empty where none is kept
    best_acc: float | None = None
    accumulation: int = 1  # micro-batches of a batch


def write(checkpoint: Checkpoint, path: Path, trial_id: str) -> None:
    """Write `checkpoint` of the trial `trial_id` to `path`, atomically."""
    tensors = {
        f"{part}:{name}": value
        for part in ("state", "memory", "best")
        for name, value in getattr(checkpoint, part).items()
    }
    header = {
        "version": VERSION,
        "trial": trial_id,
        "epoch": checkpoint.epoch,
        "step": checkpoint.step,
        "seconds": checkpoint.seconds,
        "best_acc": checkpoint.best_acc,
        "accumulation": checkpoint.accumulation,
    }
    tensor_file.write(path, tensors, header)


def read(path: Path, trial_id: str) -> Checkpoint:
    """The checkpoint at `path`.

    Raises CheckpointError where it is damaged, of another version, or of another trial.
    """
    written, tensors = tensor_file.read(path, VERSION)
    try:
        header = _Header.model_validate(written)
        parts: dict[str, dict[str, Tensor]] = {"state": {}, "memory": {}, "best": {}}
        for name, value in tensors.items():
            part, _, rest = name.partition(":")
            parts[part][rest] = value
    except (ValidationError, KeyError) as error:
        raise CheckpointError(f"{path}: not what a trial has saved ({error})") from error
    if header.trial != trial_id:
        raise CheckpointError(f"{path}: belongs to trial {header.trial}, not to {trial_id}")
    return Checkpoint(
        epoch=header.epoch,
        step=header.step,
        seconds=header.seconds,
        best_acc=header.best_acc,
        accumulation=header.accumulation,
        **parts,
    )


class _Header(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    trial: str
    epoch: NonNegativeInt
    step: NonNegativeInt
    seconds: NonNegativeFloat
    best_acc: float | None
    accumulation: PositiveInt = 1  # older files have none
