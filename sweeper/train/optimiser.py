"""The optimisers of the papers: SGD with momentum, and AdamW."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from sweeper.spec.trial import Recipe


def optimiser(parameters: Iterable[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """The optimiser of `recipe`; its learning rate is set anew each epoch.

    Weight decay acts on tensors of two or more axes only: not on biases, norms and gates.
    """
    found = list(parameters)
    groups = [
        {"params": [p for p in found if p.dim() >= 2], "weight_decay": recipe.weight_decay},
        {"params": [p for p in found if p.dim() < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr)
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum)
