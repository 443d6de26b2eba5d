"""A user's file of weights: its identity, and its tensors by the names of the network they fill."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from sweeper.backbones.state_file import read
from sweeper.errors import InputError, Problem
from sweeper.spec.sources import WEIGHTS, name_of, parted

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Wrapping:
    """How a checkpoint wraps a network: its names begin with `prefix`. What begins with one of
    `beside` is not of the network, nor is what begins with one of `within` behind the prefix.
    """

    prefix: str
    beside: tuple[str, ...] = ()
    within: tuple[str, ...] = ()


WRAPPINGS = (
    # MoCo-v3: its momentum copy, and the heads of its training, one of them inside the encoder
    Wrapping("module.base_encoder.", ("module.momentum_encoder.", "module.predictor."), ("head.",)),
    Wrapping("backbone.", ("head.",)),  # DINO's whole checkpoint: the teacher, its projection
    Wrapping("module."),  # any network under DistributedDataParallel
)
BESIDE = ("decoder_", "mask_token")  # MAE's whole checkpoint
NUMBERS = ("input_resolution", "context_length", "vocab_size")  # of OpenAI's own CLIP files
CHUNK = 1 << 24  # bytes


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights, which may say what it is like."""

    name: str  # how trials call it: free of paths
    path: Path  # absolute
    like: str  # the released backbone that it is like in all but the weights, or empty

    @classmethod
    def at(cls, name: str, path: str) -> WeightsFile:
        """The file of a backbone that trials call `name`, where it lies now."""
        return cls(name, Path(path), parted(name)[1])

    @classmethod
    def written(cls, text: str, folder: Path) -> WeightsFile:
        """The file that a user writes as `text`; a relative path starts at `folder`."""
        path, like = parted(text)
        return cls(name_of(text), (folder / Path(path).expanduser()).absolute(), like)

    @property
    def identity(self) -> str:
        """Digest of the content as it is now; computed again only where the file has changed.

        Raises:
            InputError: there is no such file.
        """
        return identity_of(self.path)

    def shapes(self) -> Shapes:
        """The shape of each tensor of `state`, which is only mapped where that can be."""
        return _shapes(self.path, self.identity)

    def state(self, identity: str) -> dict[str, Tensor]:
        """The tensors in float32 by the network's own names, in memory of their own.

        Raises:
            InputError: the file cannot be read, or is not the one with this identity.
        """
        found = {
            name: value.to(torch.float32, copy=True) if value.is_floating_point() else value.clone()
            for name, value in unwrapped(read(self.path)).items()
        }
        if self.identity != identity:
            rule = f"{identity}, as planned"
            raise InputError(Problem(f"backbone '{self.name}'", f"{self.identity} now", rule))
        return found


def identity_of(path: Path) -> str:
    """What a file of weights is called in a trial: the digest of its content, 16 digits.

    Raises:
        InputError: there is no such file.
    """
    if not path.is_file():
        read(path)  # says what is wrong
    stands = path.stat()
    return WEIGHTS + _digest(path, stands.st_size, stands.st_mtime_ns, stands.st_ino)


def unwrapped(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors by the names of the network alone; what is foreign to it keeps its name."""
    found = {name: value for name, value in tensors.items() if not name.startswith(BESIDE)}
    for how in WRAPPINGS:
        own = [name for name in found if name.startswith(how.prefix)]
        if own:
            inside = {name.removeprefix(how.prefix): found.pop(name) for name in own}
            inside = {n: value for n, value in inside.items() if not n.startswith(how.within)}
            outside = {n: value for n, value in found.items() if not n.startswith(how.beside)}
            return unwrapped(inside) | outside
    return {name: value for name, value in found.items() if name not in NUMBERS}


@lru_cache(maxsize=64)
def _digest(path: Path, size: int, modified: int, inode: int) -> str:  # noqa: ARG001
    """A file is read once for each state that it has been seen in."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()[:16]


@lru_cache(maxsize=64)
def _shapes(path: Path, identity: str) -> Shapes:  # noqa: ARG001
    return {name: tuple(value.shape) for name, value in unwrapped(read(path)).items()}
