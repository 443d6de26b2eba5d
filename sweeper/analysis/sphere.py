"""Features of images and of texts as points on a sphere (UPT, Fig. 2).

The paper says neither how features come to three dimensions nor what is normalised. Here features
are divided by their norms, projected on the three directions that keep most of their squared
length (the first right singular vectors of images and texts together, both kinds with the same
total weight, nothing centred, so that the origin stays the middle of the sphere), and divided by
their norms once more.

Symbols: M images, K classes, E joint width.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def on_sphere(images: Tensor, texts: Tensor) -> tuple[Tensor, Tensor, float]:
    """Unit places [M, 3] and [K, 3], float64, of features [M, E] and [K, E]; E >= 3.

    And the share of the squared length that the three directions keep, between 0 and 1.
    """
    unit = [F.normalize(part.double().cpu(), dim=-1) for part in (images, texts)]
    weighted = torch.cat([part / len(part) ** 0.5 for part in unit])
    _, lengths, directions = torch.linalg.svd(weighted, full_matrices=False)
    axes = directions[:3]
    # a singular vector has no sign of its own: the largest entry is made positive
    largest = axes.abs().argmax(dim=1, keepdim=True)
    axes = axes * axes.gather(1, largest).sign()
    kept = (lengths[:3].square().sum() / lengths.square().sum()).item()
    first, second = (F.normalize(part @ axes.T, dim=-1) for part in unit)
    return first, second, kept


def own_and_other(images: Tensor, labels: Tensor, texts: Tensor) -> tuple[float, float]:
    """Mean cosine of features [M, E] and the text [K, E] of their class, and of the other texts."""
    cosines = F.normalize(images.double().cpu(), dim=-1) @ F.normalize(texts.double().cpu()).T
    own = cosines[torch.arange(len(labels)), labels.cpu()]
    others = (cosines.sum() - own.sum()) / max(1, cosines.numel() - len(own))
    return own.mean().item(), others.item()
