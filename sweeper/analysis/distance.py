"""How far one set of images is from another, and how diverse it is (VP, Fig. 5).

    frechet = |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)),  of Gaussian fits of two sets of features
    d(x, y) = mean over blocks l and positions n of |u_ln(x) - u_ln(y)|^2,  u the tokens that enter
        a block, each divided by its norm; between 0 and 4

The paper takes the Frechet distance of Inception's features (FID) from a sample of ImageNet, and
LPIPS, which has trained weights for the channels of a network of its own. Here both come from the
frozen backbone of the trial, with unit weights, so values are to be compared with each other and
not with the paper's.

With fewer images M than features E the covariances have not full rank; the distance is defined all
the same, and depends on M.

Symbols: M images, E joint width, B pairs, L blocks, N_e patches, D width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def frechet(first: Tensor, second: Tensor) -> float:
    """The Frechet distance of features [M, E] and [M', E], in units of a feature squared."""
    (mean, spread), (other_mean, other_spread) = (_gaussian(part) for part in (first, second))
    root = _root(spread)
    cross = torch.linalg.eigvalsh(root @ other_spread @ root).clamp(min=0).sqrt().sum()
    distance = (mean - other_mean).square().sum() + spread.trace() + other_spread.trace()
    return float((distance - 2 * cross).clamp(min=0))


def token_distance(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """The distance d [B], float64, of the patches [B, N_e, D] that enter each of L blocks."""
    by_block = [
        (F.normalize(one.double(), dim=-1) - F.normalize(other.double(), dim=-1))
        .square()
        .sum(dim=-1)
        .mean(dim=-1)
        for one, other in zip(first, second, strict=True)
    ]
    return torch.stack(by_block).mean(dim=0)


def _gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean [E] and covariance [E, E], divided by M - 1."""
    points = features.double().cpu()
    centred = points - points.mean(dim=0)
    return points.mean(dim=0), centred.T @ centred / (len(points) - 1)


def _root(spread: Tensor) -> Tensor:
    """The square root of a symmetric matrix without negative eigenvalues but for rounding."""
    values, vectors = torch.linalg.eigh(spread)
    root: Tensor = vectors * values.clamp(min=0).sqrt() @ vectors.T
    return root
