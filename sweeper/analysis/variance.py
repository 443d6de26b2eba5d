"""Spread of image features within classes and of text features between them (UPT, appendix A).

    Var_v = mean over classes c of mean over images x of c of |f(x) - mean of c|^2   (Eq. 6 and 7)
    Var_t = mean over classes c of |w_c - mean of w|^2                               (Eq. 8)

The unit is that of the features, squared; for unit features both lie between 0 and 1. The paper
leaves unstated whether features are normalised, whether the square of a vector is a sum or a mean
over its coordinates (here the sum), and which split is read.

Symbols: M images, K classes, E joint width.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def intra_class_variance(features: Tensor, labels: Tensor, *, normalised: bool) -> float:
    """Var_v of features [M, E] and labels [M]; classes without images do not count.

    With `normalised`, features are divided by their norms first, the means are not.
    """
    features = _prepared(features, normalised)
    classes = [features[labels == label] for label in set(labels.tolist())]
    return torch.stack([_spread(members) for members in classes]).mean().item()


def inter_class_variance(text: Tensor, *, normalised: bool) -> float:
    """Var_t of the text features [K, E] of the classes."""
    return _spread(_prepared(text, normalised)).item()


def _prepared(features: Tensor, normalised: bool) -> Tensor:
    features = features.double()
    return F.normalize(features, dim=-1) if normalised else features


def _spread(members: Tensor) -> Tensor:
    """Mean squared distance [] of members [n, E] from their mean."""
    return (members - members.mean(dim=0)).square().sum(dim=1).mean()
