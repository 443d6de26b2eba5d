"""The learning rate of a step, as a pure function of the recipe.

With E = epochs, W = warm-up epochs, e = epoch counted from 0, n = steps an epoch, i = step in its
epoch, s = e n + i = step of the training, and c(x) = (1 + cos(pi x)) / 2:

    once an epoch
    cosine         e < W: lr (e+1)/W         e >= W: lr c((e-W)/(E-W))
    constant       e < W: lr (e+1)/W         e >= W: lr
    pgn_official   e <= W: lr max(e, 1)/W    e > W:  lr/100 + (lr - lr/100) c((e-W)/(E-W))
    vpt_official   e < W: lr e/W             e >= W: lr c((e-W)/(E-W))
    coop_official  e = 0: 1e-5               e > 0:  lr c((e-1)/E)

    once a step
    spt_official   f < W: lr f/W             f >= W: m + (lr - m) c((f-W)/(E-W))
                   with f = e + i/n, m = 1e-8
    vp_official    s < 1000: lr (s+1)/1000   s >= 1000: lr c((s-1000)/(E n - 1000))

No cosine reaches its floor: each would at the end of training, and the last epoch or step still
moves. `*_official` is what the public code of a paper does: PGN's paper says a cosine to zero, VP's
knows of no warm-up. With a warm-up, VPT's epoch 0 and SPT's step 0 have the rate 0 and move
no parameter. CoOp's cosine lags an epoch behind. CoOp and VP read no `warmup_epochs`: a training
of 1000 steps or fewer under `vp_official` is all warm-up, and only its 1000th step is at `lr`.
"""

from __future__ import annotations

import math

from sweeper.spec.trial import Recipe

PGN_FLOOR = 0.01  # eta_min of PGN's public code, as a share of the peak rate
SPT_FLOOR = 1e-8  # min_lr of SPT's
COOP_FIRST = 1e-5  # rate of CoOp's one warm-up epoch
VP_WARMUP = 1000  # steps


def learning_rate(recipe: Recipe, epoch: int, step: int, steps: int) -> float:
    """The rate of `step` of the `steps` in `epoch` (both counted from 0) under `recipe`."""
    peak, warmup, epochs = recipe.lr, recipe.warmup_epochs, recipe.epochs
    match recipe.schedule:
        case "pgn_official" if epoch < warmup:
            return peak * max(epoch, 1) / warmup
        case "pgn_official":
            return peak * (PGN_FLOOR + (1 - PGN_FLOOR) * _cosine(epoch - warmup, epochs - warmup))
        case "vpt_official" if epoch < warmup:
            return peak * epoch / warmup
        case "coop_official":
            return peak * _cosine(epoch - 1, epochs) if epoch else COOP_FIRST
        case "spt_official":
            passed = epoch + step / steps
            if passed < warmup:
                return peak * passed / warmup
            return SPT_FLOOR + (peak - SPT_FLOOR) * _cosine(passed - warmup, epochs - warmup)
        case "vp_official":
            done = epoch * steps + step
            if done < VP_WARMUP:
                return peak * (done + 1) / VP_WARMUP
            return peak * _cosine(done - VP_WARMUP, epochs * steps - VP_WARMUP)
        case "cosine" | "constant" if epoch < warmup:
            return peak * (epoch + 1) / warmup
        case "constant":
            return peak
        case "cosine" | "vpt_official":
            return peak * _cosine(epoch - warmup, epochs - warmup)


def _cosine(passed: float, length: float) -> float:
    return (1 + math.cos(math.pi * (passed / length))) / 2
