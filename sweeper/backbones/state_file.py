"""A file of weights -> its tensors by name, as they stand in it; nothing in it is ever run."""

from __future__ import annotations

import argparse
import pickle
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sweeper.backbones import npz_file
from sweeper.errors import InputError, Problem
from sweeper.spec.sources import SUFFIXES

# Where checkpoints keep weights.
INSIDE = ("state_dict", "model", "teacher", "model_state_dict", "encoder")


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file, of what `torch.save` wrote, mapped from the disk where
    that can be, or of Google's .npz of a ViT, by timm's names.

    Raises:
        InputError: there is no such file, it is damaged, or it holds more than tensors.
    """
    rule = f"a file of weights ({', '.join(SUFFIXES)})"
    if path.is_dir():
        inside = sorted(each.name for each in path.iterdir() if each.suffix in SUFFIXES)
        hint = f"Name the file in it, such as {path.name}/{inside[0]}." if inside else ""
        raise InputError(Problem(str(path), "a folder", rule, hint))
    if not path.is_file():
        raise InputError(Problem(str(path), "no such file", rule))
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        if path.suffix == ".npz":
            return npz_file.read(path)
        return _tensors(_unpickled(path))
    except _BROKEN as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        rule = "a whole file that holds tensors and nothing else"
        hint = "Fetch it again; what holds code is not read: save its state_dict by itself."
        raise InputError(Problem(str(path), f"it cannot be read ({reason})", rule, hint)) from error


# All that the libraries raise on a file that is not what it seems.
_BROKEN = (
    OSError,
    RuntimeError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    MemoryError,  # of a header that promises more than there can be
    struct.error,
    zlib.error,
    pickle.UnpicklingError,
    SafetensorError,
    zipfile.BadZipFile,
)


def _unpickled(path: Path) -> Any:
    """What `torch.save` wrote; of classes only tensors and plain data, and the parsed command
    line that DINO's and MAE's checkpoints keep, which is no more than named values.
    """
    with torch.serialization.safe_globals([argparse.Namespace]):
        mapped = zipfile.is_zipfile(path)  # older files cannot be mapped
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        except (pickle.UnpicklingError, KeyError) as error:
            # torch's own text is a number, or tells to run what the file holds
            raise ValueError("no file of tensors, or there is code in it") from error


def _tensors(found: Any) -> dict[str, Tensor]:
    """The mapping of names to tensors in a checkpoint, however deep."""
    if not isinstance(found, dict):
        raise ValueError(f"a {type(found).__name__} instead of tensors by name")
    for name in INSIDE:
        if isinstance(found.get(name), dict):
            return _tensors(found[name])
    return {str(name): value for name, value in found.items() if isinstance(value, Tensor)}
