"""Centred kernel alignment (CKA) of prompts and patches by block (SPT, Fig. S4).

    CKA(X, Y) = <K, L> / (|K| |L|),  K = X X^T and L = Y Y^T, centred (Kornblith et al. 2019)

between 0 and 1 (the unbiased one may fall a little below 0), without a unit; it is left as it is
by a rotation of the columns of X or Y and by a common factor.

CKA compares two descriptions of the same n examples. Prompts and patches are not paired, and
prompts are often the same for every image, so here the examples are the D coordinates of the
width that both share: X = P^T [D, p] and Y = E^T [D, N_e] of one image, K [D, D]. The value says
whether the same coordinates vary together in both sets, whatever the order of tokens and their
number. It is computed for each image. The paper says neither this nor which estimator it takes.

The plain estimator is about sqrt(p N_e) / D for unrelated sets, the unbiased one 0 (HSIC of Song
et al. 2012: K without its diagonal, U-centred).

Symbols: n examples, d columns, D width, p prompts, N_e patches, L blocks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def centred_gram(columns: Tensor, *, unbiased: bool = True) -> Tensor:
    """The centred K [n, n], float64, of examples [n, d]; `unbiased` needs n > 3."""
    columns = columns.double()
    gram = columns @ columns.T
    n = len(gram)
    if not unbiased:
        gram = gram - gram.mean(dim=0, keepdim=True)
        return gram - gram.mean(dim=1, keepdim=True)
    if n < 4:
        raise ValueError(f"unbiased CKA needs more than 3 examples, not {n}")
    gram.fill_diagonal_(0)
    rows = gram.sum(dim=0)
    centred = gram - (rows[:, None] + rows[None, :]) / (n - 2) + rows.sum() / ((n - 1) * (n - 2))
    return centred.fill_diagonal_(0)


def linear_cka(x: Tensor, y: Tensor, *, unbiased: bool = True) -> Tensor:
    """CKA [] of examples [n, d] and the same examples [n, d']; 0 where one does not vary."""
    return _cosines([x], [y], unbiased)[0, 0]


def token_cka(
    prompts: Sequence[Tensor], patches: Sequence[Tensor], *, unbiased: bool = True
) -> Tensor:
    """CKA [L, L'], float64, of L sets of prompts [p, D] and L' sets of patches [N_e, D]."""
    return _cosines([t.T for t in prompts], [t.T for t in patches], unbiased)


def _cosines(xs: Sequence[Tensor], ys: Sequence[Tensor], unbiased: bool) -> Tensor:
    first, second = (
        F.normalize(
            torch.stack([centred_gram(part, unbiased=unbiased).flatten() for part in parts]), dim=1
        )
        for parts in (xs, ys)
    )
    return first @ second.T
