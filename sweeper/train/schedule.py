"""The learning rate of an epoch, as a pure function of the recipe.

With E = epochs, W = warm-up epochs, e = epoch counted from 0, c(e) = (1 + cos(pi (e-W)/(E-W))) / 2:

    cosine        e < W: lr (e+1)/W       e >= W: lr c(e)
    pgn_official  e <= W: lr max(e, 1)/W  e > W:  lr/100 + (lr - lr/100) c(e)
    constant      e < W: lr (e+1)/W       e >= W: lr

Both cosines start at the full rate in epoch W and would reach their floor in epoch E, which is
not trained: the last epoch still moves, at lr c(E-1). `pgn_official` is what PGN's public code
does; its paper says a cosine to zero.
"""

from __future__ import annotations

import math

from sweeper.spec.trial import Recipe

PGN_FLOOR = 0.01  # eta_min of PGN's public code, as a share of the peak rate


def learning_rate(recipe: Recipe, epoch: int) -> float:
    """The learning rate of `epoch` (counted from 0) under `recipe`."""
    peak, warmup = recipe.lr, recipe.warmup_epochs
    if recipe.schedule == "pgn_official":
        if epoch < warmup:
            return peak * max(epoch, 1) / warmup
        return peak * (PGN_FLOOR + (1 - PGN_FLOOR) * _cosine(recipe, epoch))
    if epoch < warmup:
        return peak * (epoch + 1) / warmup
    return peak if recipe.schedule == "constant" else peak * _cosine(recipe, epoch)


def _cosine(recipe: Recipe, epoch: int) -> float:
    passed = (epoch - recipe.warmup_epochs) / (recipe.epochs - recipe.warmup_epochs)
    return (1 + math.cos(math.pi * passed)) / 2
