"""The optimisers of the papers: SGD with momentum, and AdamW."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping

import torch
from torch import nn

from sweeper.errors import InputError, Problem, nearest
from sweeper.method import DecaysApart
from sweeper.spec.trial import Recipe
from sweeper.train.state import trainable


def optimiser(method: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimiser of `recipe` for what `method` trains; its learning rate is set at each step.

    Weight decay acts on tensors of two or more axes only: not on biases, norms and gates. A
    parameter that a `DecaysApart` method names has its own, whatever its axes. Raises InputError
    where the method names an unknown parameter or a decay that is none.
    """
    apart = method.weight_decays() if isinstance(method, DecaysApart) else {}
    _check(method, apart)
    named = trainable(method)
    rest = [parameter for name, parameter in named.items() if name not in apart]
    groups = [
        {"params": [p for p in rest if p.dim() >= 2], "weight_decay": recipe.weight_decay},
        {"params": [p for p in rest if p.dim() < 2], "weight_decay": 0.0},
        *({"params": [named[n]], "weight_decay": d} for n, d in apart.items() if n in named),
    ]
    groups = [group for group in groups if group["params"]]
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=recipe.lr)
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum)


def _check(method: nn.Module, apart: Mapping[str, float]) -> None:
    known = [name for name, _ in method.named_parameters()]
    where = f"method file {inspect.getfile(type(method))}, weight_decays()"
    problems = [
        Problem(where, f"no parameter '{name}'", "names of parameters", nearest(name, known))
        for name in apart
        if name not in known
    ]
    problems += [
        Problem(where, f"'{name}': {decay}", "a finite weight decay of 0 or more")
        for name, decay in apart.items()
        if not 0 <= decay < math.inf
    ]
    if problems:
        raise InputError(problems)
