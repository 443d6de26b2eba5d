"""A trial between two epochs, as a file: safetensors with a JSON header, nothing pickled.

The file appears whole or not at all (written aside, synced, renamed), and carries a digest of
its tensors, so that a damaged one is told from a good one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from sweeper.errors import CheckpointError

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


def write(checkpoint: Checkpoint, path: Path, trial_id: str) -> None:
    """Write `checkpoint` of the trial `trial_id` to `path`, atomically."""
    tensors = {
        f"{part}:{name}": value.detach().cpu().contiguous().clone()
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
        "digest": _digest(tensors),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            file.write(safetensors.torch.save(tensors, {"sweeper": json.dumps(header)}))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def read(path: Path, trial_id: str) -> Checkpoint:
    """The checkpoint at `path`.

    Raises CheckpointError where it is damaged, of another version, or of another trial.
    """
    try:
        with safe_open(path, "pt") as file:
            header = json.loads((file.metadata() or {})["sweeper"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: not a readable checkpoint ({error})") from error
    if header.get("version") != VERSION:
        raise CheckpointError(f"{path}: version {header.get('version')}, expected {VERSION}")
    if header["trial"] != trial_id:
        raise CheckpointError(f"{path}: belongs to trial {header['trial']}, not to {trial_id}")
    if header["digest"] != _digest(tensors):
        raise CheckpointError(f"{path}: damaged, its tensors do not have the digest written in it")
    parts: dict[str, dict[str, Tensor]] = {"state": {}, "memory": {}, "best": {}}
    for name, value in tensors.items():
        part, _, rest = name.partition(":")
        parts[part][rest] = value
    return Checkpoint(
        epoch=header["epoch"],
        step=header["step"],
        seconds=header["seconds"],
        best_acc=header["best_acc"],
        **parts,
    )


def _digest(tensors: Mapping[str, Tensor]) -> str:
    found = hashlib.sha256()
    for name in sorted(tensors):
        found.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        found.update(tensors[name].reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
