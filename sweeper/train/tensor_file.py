"""Tensors under a JSON header in one file: safetensors, nothing pickled.

The file appears whole or not at all (written aside, synced, renamed), and carries a digest of
its tensors, so that a damaged one is told from a good one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from sweeper.errors import CheckpointError

# What a file that is not what it seems makes of its readers.
_BROKEN = (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError, RecursionError)


def write(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> str:
    """Write copies of `tensors` to `path`, atomically; returns their digest."""
    copies = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    digest = _digest(copies)
    metadata = {"sweeper": json.dumps({**header, "digest": digest})}
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            file.write(safetensors.torch.save(copies, metadata))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return digest


def read(path: Path, version: int) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Header and tensors at `path`. Raises CheckpointError: damaged, or of another version."""
    try:
        with safe_open(path, "pt") as file:
            header = json.loads((file.metadata() or {})["sweeper"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        written, digest, own = header["version"], header["digest"], _digest(tensors)
    except _BROKEN as error:
        raise CheckpointError(f"{path}: not a readable checkpoint ({error})") from error
    if written != version:
        raise CheckpointError(f"{path}: version {written}, expected {version}")
    if digest != own:
        raise CheckpointError(f"{path}: damaged, its tensors do not have the digest written in it")
    return header, tensors


def _digest(tensors: Mapping[str, Tensor]) -> str:
    found = hashlib.sha256()
    for name in sorted(tensors):
        found.update(f"{name} {tensors[name].dtype} {tuple(tensors[name].shape)}".encode())
        found.update(tensors[name].reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
