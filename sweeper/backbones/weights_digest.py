"""The digest of a loaded backbone's tensors: what was really computed with, whatever its name."""

from __future__ import annotations

import hashlib
from weakref import WeakKeyDictionary

import torch

from sweeper.backbones.backbone import Backbone

_KNOWN: WeakKeyDictionary[Backbone, str] = WeakKeyDictionary()


def weights_digest(backbone: Backbone) -> str:
    """16 hexadecimal digits of names, types, shapes and contents; computed once a backbone."""
    if backbone not in _KNOWN:
        digest = hashlib.sha256()
        for name, value in sorted(backbone.tensors().items()):
            digest.update(f"{name} {value.dtype} {list(value.shape)}\n".encode())
            plain = value.detach().cpu().contiguous().reshape(-1)
            digest.update(plain.view(torch.uint8).numpy().data)
        _KNOWN[backbone] = digest.hexdigest()[:16]
    return _KNOWN[backbone]
