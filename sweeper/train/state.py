"""What training changes: parameters, buffers, and the optimiser's memory, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from sweeper.errors import CheckpointError


def trainable(method: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that a gradient reaches, by name."""
    return {name: p for name, p in method.named_parameters() if p.requires_grad}


def state_of(method: nn.Module) -> dict[str, Tensor]:
    """Parameters and persistent buffers (BatchNorm's statistics), by name.

    The tensors are the method's own, not copies. Frozen parameters are among them: they may have
    been solved for in closed form.
    """
    return {n: value for n, value in method.state_dict().items() if isinstance(value, Tensor)}


def load_state(method: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put `state` into `method`. Raises CheckpointError naming what does not fit."""
    own = state_of(method)
    _compare(own, state)
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(state[name])


def memory_of(optimiser: torch.optim.Optimizer, method: nn.Module) -> dict[str, Tensor]:
    """The optimiser's tensors (momenta, counts), by '<parameter>/<name>'; not copies."""
    return {
        f"{name}/{key}": value
        for name, parameter in trainable(method).items()
        for key, value in optimiser.state.get(parameter, {}).items()
        if isinstance(value, Tensor)
    }


def load_memory(
    optimiser: torch.optim.Optimizer, method: nn.Module, memory: Mapping[str, Tensor]
) -> None:
    """Put `memory` into `optimiser`. Raises CheckpointError naming what does not fit."""
    parameters = trainable(method)
    for name, value in memory.items():
        owner, _, key = name.rpartition("/")
        if owner not in parameters:
            raise CheckpointError(f"the optimiser's '{name}' has no parameter in this method")
        parameter = parameters[owner]
        if value.dim() and value.shape != parameter.shape:
            raise CheckpointError(
                f"the optimiser's '{name}' has shape {tuple(value.shape)}, "
                f"its parameter {tuple(parameter.shape)}"
            )
        # AdamW's count is a CPU scalar wherever the parameter lives
        place = parameter.device if value.dim() else value.device
        optimiser.state[parameter][key] = value.to(place).clone()


def _compare(own: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> None:
    problems = list(_mismatches(own, other))
    if problems:
        raise CheckpointError("the checkpoint does not fit the method: " + "; ".join(problems))


def _mismatches(own: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> Iterator[str]:
    for name in sorted(own.keys() | other.keys()):
        if name not in other:
            yield f"it lacks '{name}'"
        elif name not in own:
            yield f"the method has no '{name}'"
        elif own[name].shape != other[name].shape:
            yield f"'{name}' is {tuple(other[name].shape)}, expected {tuple(own[name].shape)}"
