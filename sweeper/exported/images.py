"""Image files as an exported model reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError, Problem
from sweeper.tasks.image import decode, resize, unreadable


def read_images(files: Sequence[str | Path], preprocessing: Preprocessing) -> Tensor:
    """Normalised images [B, 3, S, S] of B files, brought to size S as in training.

    Raises InputError naming every file that cannot be read.
    """
    found: list[Tensor] = []
    problems: list[Problem] = []
    for path in map(Path, files):
        try:
            found.append(resize(decode(path.read_bytes())[None], preprocessing)[0])
        except (OSError, ValueError) as error:
            problems.append(unreadable(path, error))
    if problems:
        raise InputError(problems)
    mean, std = (
        torch.tensor(values).view(3, 1, 1) for values in (preprocessing.mean, preprocessing.std)
    )
    # scaled and shifted, as in training: the same numbers to the last bit
    return torch.stack(found).to(torch.float32).mul_(1 / (255 * std)).add_(-(mean / std))
