"""The user's own files in a plan: what kind each is, and how a file of weights is written.

A file of weights is a path, and may say after an '@' which released backbone it is a copy of in
all but the weights: `./vit_b.pth@timm/vit_base_patch16_224.mae`.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Literal

WEIGHTS = "weights-"  # begins the identity of a file of weights; its digest follows
RELEASED = ("timm/", "openclip/")  # begin the names of released backbones
SUFFIXES = (".safetensors", ".npz", ".bin", ".pt", ".pth", ".tar", ".ckpt")

_LIKE = re.compile(rf"@(?={'|'.join(map(re.escape, RELEASED))})")


def kind_of(identity: str) -> Literal["method", "weights", "data"]:
    """What the file of this identity is: a method's is name@digest, that of data a digest."""
    if "@" in identity:
        return "method"
    return "weights" if identity.startswith(WEIGHTS) else "data"


def parted(written: str) -> tuple[str, str]:
    """The path of a file of weights, or its name, and what it is like; empty where unsaid."""
    path, *like = _LIKE.split(written, maxsplit=1)
    return path, "".join(like)


def is_weights_path(written: str) -> bool:
    """Whether a backbone is written as a path."""
    path, _ = parted(written)
    if path.startswith((".", "/", "~")):
        return True
    return "/" in path and not path.startswith(RELEASED) and path.endswith(SUFFIXES)


def name_of(written: str) -> str:
    """How trials call the backbone that is written so: free of paths."""
    path, like = parted(written)
    if not is_weights_path(written):
        return written
    return "@".join(filter(None, (PurePath(path).name, like)))
