"""A file of weights -> its tensors by name, as they stand in it; nothing is ever unpickled."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sweeper.errors import InputError, Problem

SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".tar")
# Where checkpoints keep weights.
INSIDE = ("state_dict", "model", "teacher", "model_state_dict", "encoder")


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file, or of what `torch.save` wrote, mapped from the disk.

    Raises:
        InputError: there is no such file, it is damaged, or it holds more than tensors.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except FileNotFoundError as error:
        rule = f"a file of weights ({', '.join(SUFFIXES)})"
        raise InputError(Problem(str(path), "no such file", rule)) from error
    except (OSError, RuntimeError, ValueError, SafetensorError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        rule = "a whole file that holds tensors and nothing else"
        hint = "Fetch it again; what holds code is not read: save its state_dict by itself."
        raise InputError(Problem(str(path), f"it cannot be read ({reason})", rule, hint)) from error
    return _tensors(found)


def _tensors(found: Any) -> dict[str, Tensor]:
    """The mapping of names to tensors in a checkpoint, however deep."""
    for name in INSIDE:
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            return _tensors(found[name])
    return {name: value for name, value in found.items() if isinstance(value, Tensor)}
