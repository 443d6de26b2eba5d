"""Many dimensions drawn in two, and whether neighbours are of one kind (PGN, Fig. 5).

The plane is t-SNE's (van der Maaten and Hinton 2008) with scikit-learn's settings, started from the
two principal components. The paper states none of its settings. A plane of t-SNE has no scale,
and groups in it may be its own work; so the number beside it is taken from the vectors themselves:
how often a vector's nearest neighbour is of its own kind.

Symbols: M images, F features.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sweeper.seeds import derive

PERPLEXITY = 30  # scikit-learn's default; lower where there are too few images for it
LEAST = 4  # images


def plane(features: Tensor, *, seed: int) -> Tensor:
    """Places [M, 2], float64, of features [M, F] by t-SNE; M >= LEAST."""
    from sklearn.manifold import TSNE  # seconds to import, for this function alone

    points = features.float().cpu().numpy()
    state = derive(seed, "analysis", "t-SNE") % 2**32
    perplexity = min(PERPLEXITY, (len(points) - 1) / 3)
    made = TSNE(2, perplexity=perplexity, init="pca", random_state=state).fit_transform(points)
    return torch.from_numpy(made).double()


def neighbours_alike(features: Tensor, kinds: Tensor) -> float:
    """The share of features [M, F] whose nearest other one (Euclidean) is of the same kind [M]."""
    points = features.double().cpu()
    distances = torch.cdist(points, points).fill_diagonal_(torch.inf)
    return (kinds[distances.argmin(dim=1)] == kinds).double().mean().item()
