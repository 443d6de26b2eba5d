"""Models built without memory, and filled with weights: nothing is initialised in vain."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from timm.models._manipulate import reinit_non_persistent_buffers
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from sweeper.errors import InputError, Problem

SHOWN = 3  # names of weights that an error lists

# What initialises weights in place. Without memory it has no effect but takes most of the time.
INITIALISERS: set[Any] = {
    *(Tensor.normal_, Tensor.uniform_, Tensor.zero_, Tensor.fill_, Tensor.copy_, Tensor.erfinv_),
    *(Tensor.add_, Tensor.sub_, Tensor.mul_, Tensor.div_, Tensor.clamp_),
}


class _WithoutInitialisers(TorchFunctionMode):
    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if function in INITIALISERS and args[0].is_meta:
            return args[0]
        return function(*args, **(kwargs or {}))


def built(make: Callable[[], nn.Module]) -> Any:
    """The model that `make` returns, with shapes in the place of weights."""
    with torch.device("meta"), _WithoutInitialisers():
        return make()


def filled(model: nn.Module, state: Mapping[str, Tensor], where: str) -> Any:
    """`model` over the tensors of `state`, in float32 and eval mode.

    Raises:
        InputError: naming `where`, if a weight is missing, of another shape, or has no place.
    """
    problems = list(_misfits(model.state_dict(), state, where))
    if problems:
        raise InputError(problems)
    single = {
        n: value.float() if value.is_floating_point() else value for n, value in state.items()
    }
    model.load_state_dict(single, strict=True, assign=True)
    _remake_buffers(model)
    return model.eval()


def _misfits(
    own: Mapping[str, Tensor], state: Mapping[str, Tensor], where: str
) -> Iterator[Problem]:
    rule = "exactly the weights of that model"
    # torch fills in the counter of batches, which nothing reads
    missing = [n for n in own if n not in state and not n.endswith("num_batches_tracked")]
    beside = [n for n in state if n not in own]
    shaped = [
        f"{n} {tuple(state[n].shape)}, not {tuple(own[n].shape)}"
        for n in own
        if n in state and own[n].shape != state[n].shape
    ]
    for what, names in (("missing", missing), ("beside them", beside), ("other shapes", shaped)):
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            yield Problem(where, f"{what}: {', '.join(names[:SHOWN])}{more}", rule)


def _remake_buffers(model: nn.Module) -> None:
    """Compute the buffers that no file of weights holds."""
    made = []
    for module in model.modules():
        for name, buffer in list(module.named_buffers(recurse=False)):
            if not buffer.is_meta:
                continue
            made.append((module, name))
            if name == "attn_mask":  # causal, of open_clip's text towers
                setattr(module, name, torch.full(buffer.shape, -math.inf).triu_(1))
            else:
                setattr(module, name, torch.empty_like(buffer, device="cpu"))
    unknown = [
        f"{name} of {type(module).__name__}"
        for module, name in made
        if name != "attn_mask" and not hasattr(module, "init_non_persistent_buffers")
    ]
    if unknown:
        raise NotImplementedError(f"buffers that are in no file of weights: {', '.join(unknown)}")
    reinit_non_persistent_buffers(model)
