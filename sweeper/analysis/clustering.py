"""Mutual information of clusterings of features (PGN, Fig. 2 and Table 10).

Features are clustered by k-means with as many clusters as there are classes, and every two
clusterings, the labels among them, are compared:

    NMI = 2 I(A; B) / (H(A) + H(B)), between 0 and 1, without a unit

The paper leaves unstated how k-means starts and whether features are normalised first. This is
another NMI than the one of prompts and patches (`mutual_information`).

Symbols: M images, F features, k clusters, n clusterings.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from sweeper.seeds import derive

STARTS = 10  # of k-means; the one with the smallest squared distances is kept


def cluster(features: Tensor, clusters: int, *, seed: int, normalised: bool = False) -> Tensor:
    """The cluster [M], int64, of each of features [M, F] by k-means; M >= `clusters`.

    With `normalised`, features are divided by their norms first.
    """
    from sklearn.cluster import KMeans  # seconds to import, for this function alone

    points = features.float().cpu()
    if normalised:
        points = functional.normalize(points, dim=-1)
    state = derive(seed, "analysis", "k-means") % 2**32
    means = KMeans(clusters, n_init=STARTS, random_state=state)
    return torch.from_numpy(means.fit_predict(points.numpy())).long()


def nmi_matrix(clusterings: Mapping[str, Tensor]) -> Tensor:
    """NMI [n, n], float64, of every two clusterings [M], in their order."""
    from sklearn.metrics import normalized_mutual_info_score

    found = [clustering.cpu().numpy() for clustering in clusterings.values()]
    rows = [[float(normalized_mutual_info_score(a, b)) for b in found] for a in found]
    return torch.tensor(rows, dtype=torch.float64)
