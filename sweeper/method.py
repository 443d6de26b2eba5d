"""THE contract of a method: all that an author of a method needs to read, with `_template.py`.

A method is one file, `methods/<name>.py` or `./any_path/<name>.py`. The file is its own
registration: nothing else is edited. It contains, in this order,

1. a docstring: first line = what it is; then `Paper:`, `Equation:`, `Shapes:` (with symbols),
   `Trainable:` (the count as a formula) and `Deviations:` from the paper and its public code;
2. `class Params(MethodParams)`: typed and bounded, each default with its source. A name may not
   be one of the recipe's or the trial's (`epochs`, `lr`, `seed`, `backbone`, ...);
3. `SPACE`: the default search space, parameter name -> `Choice | Uniform | LogUniform | Integers`;
4. `PRESETS`: name -> settings (parameters of the method and of the recipe) where the paper and
   its public code differ; usually `paper` and `official`;
5. `REQUIRES`: the ways into a backbone that it needs (`sweeper.backbones.backbone.WAYS`);
6. `def skip(params, backbone: BackboneInfo) -> str | None`: why this backbone cannot carry these
   parameters, or None. A refusal is a value that is printed and counted, not an exception;
7. `class Method(nn.Module)`: the module itself, see `MethodModule`;

and, only where there is nothing to train, `TRAINS = False` before `skip`.

What a file must keep, `sweeper.conformance` checks on a real backbone: shapes, seeds, a frozen
backbone, a loss that falls, a state that can be saved and loaded.

Symbols: B images, K classes, D vision width, E joint width, p prompts, N token library size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict
from pydantic import Field as param
from torch import Tensor, nn

from sweeper.backbones.backbone import Backbone, BackboneInfo
from sweeper.seeds import derive, generator, keyed
from sweeper.spec.space import Choice, Integers, LogUniform, Space, Uniform

__all__ = [
    "Backbone",
    "BackboneInfo",
    "Choice",
    "FrozenFeatures",
    "Integers",
    "LogUniform",
    "MethodModule",
    "MethodParams",
    "Plugin",
    "Space",
    "Uniform",
    "derive",
    "generator",
    "keyed",
    "param",
]


class MethodParams(BaseModel):
    """Parent of every `Params`: frozen, unknown names and non-finite numbers refused.

    Fields are plain scalars: `prompt_length: int = param(16, ge=1, description="PGN Table 8")`.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False
    )


class MethodModule(Protocol):
    """What `Method` must be: an `nn.Module` built by keyword, called on images.

    __init__(self, *, backbone: Backbone, classes: tuple[str, ...], template: str,
             params: Params, seed: int)

    `backbone` is frozen and shared by many trials. It is not an `nn.Module`: keep it as an
    attribute and it is neither trained, nor moved, nor saved with your module. What you derive
    from it (text features) goes into a buffer with `persistent=False`. Parameters are made on
    the CPU in float32; whoever trains the module moves it.

    Take randomness only from `generator(seed, "name")` or inside `with keyed(seed, "name"):`,
    one name a tensor or block, so that no draw depends on another.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of normalised images [B, 3, H, W]."""
        ...


@runtime_checkable
class FrozenFeatures(Protocol):
    """Optional: a method whose image path has nothing to train.

    The training loop then computes `features` once per split and calls `classify` instead of
    `forward`; `forward(images)` must equal `classify(features(images))`.
    """

    def features(self, images: Tensor) -> Tensor:
        """Features [B, F] that no trainable parameter touches."""
        ...

    def classify(self, features: Tensor) -> Tensor:
        """Logits [B, K] of features [B, F]."""
        ...


@dataclass(frozen=True)
class Plugin:
    """A method file, read and checked (by `sweeper.discovery`)."""

    name: str
    identity: str  # the name for a built-in file; name@digest of the source for a user's file
    summary: str  # first line of the docstring
    source: str  # where it was found, for messages
    params: type[MethodParams]
    space: Mapping[str, Space]
    presets: Mapping[str, Mapping[str, Any]]
    requires: frozenset[str]
    module: type[nn.Module]
    trains: bool  # False: nothing to train, so recipe and seed do not matter
    skip_rule: Any  # the file's `skip`

    def skip(self, params: MethodParams, backbone: BackboneInfo) -> str | None:
        """Why `backbone` cannot carry this method with `params`, or None."""
        missing = sorted(self.requires - backbone.ways)
        if missing:
            return f"method '{self.name}' needs {', '.join(missing)}, which it does not offer"
        reason: str | None = self.skip_rule(params, backbone)
        return reason
