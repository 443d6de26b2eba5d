"""THE contract of a method: all that an author of a method needs to read, with `_template.py`.

A method is one file, `methods/<name>.py` or `./any_path/<name>.py`. The file is its own
registration: nothing else is edited. It contains, in this order,

1. a docstring: first line = what it is; then `Paper:`, `Equation:`, `Shapes:` (with symbols),
   `Trainable:` (the count as a formula) and `Deviations:` from the paper and its public code;
2. `class Params(MethodParams)`: typed and bounded, each default with its source. A name may not
   be one of the recipe's, the protocol's or the trial's (`sweeper.spec.trial`): `epochs`, `lr`,
   `seed`, `backbone` and their like; a file that takes one is told which;
3. `SPACE`: the default search space, parameter name -> `Choice | Uniform | LogUniform | Integers`;
4. `PRESETS`: name -> settings (of the method, the recipe and the protocol) where the paper and its
   public code differ; usually `paper` and `official`, and `{}` where there are none. `official`
   alone may have `selection: best_test`, where the code picks the epoch by its test accuracy;
5. `REQUIRES`: the ways into a backbone that it needs: `input_tokens` (prompts beside the patches),
   `block_tokens` (prompts of each block), `weights` (inside the blocks), `text` (class names become
   a classifier), `text_tokens` (prompts in the text tower), `head` (the weights' own classifier).
   Pixels need none: `encode_image` carries gradients to the images it is given;
6. `def skip(params, backbone: BackboneInfo) -> str | None`: why this backbone cannot carry these
   parameters (more prompts than `backbone.max_prompts`, a border wider than the image), or None.
   The reason is all a user sees, so name the parameter and its value. In a sweep that crosses
   backbones or methods a refused cell is skipped and counted; asked for by itself it is a mistake;
7. `class Method(nn.Module)`: the module itself, see `MethodModule`;

and before `skip`, only where they apply: `TRAINS = False` where there is nothing to train;
`TASKS = ("parameter", ...)`, the parameters (`str`, empty for none) that name another task; and
`FEATURES = "tower"` where `features(images)` is `backbone.encode_image(images)` and nothing else,
whatever the parameters: no resizing before, no scaling after. The loop then asks the backbone
itself, once for all trials of a node.

What a file must keep, `sweeper check ./file.py` checks, on the embedded backbone and on a ViT with
random weights: shapes, bounds, seeds, a frozen backbone, a loss that falls, a state that can be
saved and loaded.

What there is to use (in full in `sweeper.backbones.backbone`):

    backbone.encode_image(images, prompts)  [B, E], prompts [p, D] or [B, p, D] after the patches,
                                            or `Prompts(...)`, the ways into each block
        weights={name: tensor}, adapter=f   in the place of the tower's weights; after each MLP
    backbone.trace_image(images, prompts)   the tokens before each block, and CLS's attention
    backbone.enter(images, block)           [B, c + N_e, D], what enters a block without prompts
    backbone.encode_from(tokens, prompts)   [B, E], from there on, at `prompts.first_block`
    backbone.embed_image(images)            [B, c + N_e, D], what enters the first block's norm
    backbone.image_weights                  name -> tensor, by timm's names
    backbone.classifier(classes, template)  [K, E], unit text features
    backbone.embed_text(texts)              [K, T, D_t] token embeddings, place [K] of their end
    backbone.encode_text(embeddings, end)   [K, E], not normalised
    backbone.head_logits(features)          [B, C], the weights' own classifier
    backbone.logit_scale                    float, multiplies the cosine
    backbone.info                           BackboneInfo, the same that `skip` is given:
        .width D   .embed_dim E   .depth L   .heads   .patch (pixels)   .patches N_e
        .text_width D_t   .text_depth L_t   .text_context   .head_classes C   .pooling
        .prefix c   .max_prompts   .ways
        .preprocessing.size (pixels, H = W)   .preprocessing.mean   .std
        .activation   all of it as the trial's protocol has it (`.setting`)
    make_head(kind, ...)                    features [B, E] -> logits [B, K]: `text`, `linear` or
    head_refusal(kind, info)                `mapped`; why a backbone cannot have it

Symbols: B images, K classes, H = W pixels, D vision width, E joint width, L blocks, N_e patch
tokens, c tokens before them (CLS and registers), p prompts, N token library size,
D_t and L_t width and blocks of the text tower.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict
from pydantic import Field as param
from torch import Tensor, nn

from sweeper.backbones.backbone import Backbone, BackboneInfo
from sweeper.backbones.prompts import Prompts
from sweeper.errors import InputError, Problem
from sweeper.head import HeadInit, HeadKind, LinearHead, head_refusal, make_head
from sweeper.seeds import derive, generator, keyed
from sweeper.spec.space import Choice, Integers, LogUniform, Space, Uniform

__all__ = [
    "Backbone",
    "BackboneInfo",
    "Choice",
    "Constructs",
    "DecaysApart",
    "EntersLate",
    "Examples",
    "FrozenFeatures",
    "HeadInit",
    "HeadKind",
    "Integers",
    "LinearHead",
    "LogUniform",
    "MethodModule",
    "MethodParams",
    "Plugin",
    "Prompts",
    "Space",
    "TrainsInRounds",
    "Uniform",
    "derive",
    "generator",
    "head_refusal",
    "keyed",
    "make_head",
    "param",
]


class MethodParams(BaseModel):
    """Parent of every `Params`: frozen, unknown names and non-finite numbers refused.

    Fields are plain scalars: `prompt_length: int = param(16, ge=1, description="PGN Table 8")`, or
    names to choose from: `init: Literal["zeros", "normal"] = param("zeros", description="...")`.
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

    Take randomness only from `generator(seed, "method", "tensor")` or, for layers that draw by
    themselves, inside `with keyed(seed, "method", "layer"):`. The words are any names you like; one
    combination a tensor or block, so that no draw depends on another.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of normalised images [B, 3, H, W], which are left as they are."""
        ...


@runtime_checkable
class FrozenFeatures(Protocol):
    """Optional: a method whose image path has nothing to train.

    The training loop then computes `features` once per split and calls `classify` instead of
    `forward`; `forward(images)` must equal `classify(features(images))`. With `FEATURES = "tower"`
    in the file they are kept on disk for other trials.
    """

    def features(self, images: Tensor) -> Tensor:
        """Features [B, F] that no trainable parameter touches."""
        ...

    def classify(self, features: Tensor) -> Tensor:
        """Logits [B, K] of features [B, F]."""
        ...


@runtime_checkable
class EntersLate(Protocol):
    """Optional: a method that leaves the blocks before `reads_block` as they are.

    Where that is not 0, `forward(images)` must equal `classify(backbone.enter(images,
    reads_block))`. The training loop then asks the backbone for these tokens once and calls
    `classify` at each step, where there is room for them; no parameter may change before it.
    """

    reads_block: int

    def classify(self, tokens: Tensor) -> Tensor:
        """Logits [B, K] of tokens [B, c + N_e, D]; see `backbone.encode_from`."""
        ...


@dataclass(frozen=True)
class Examples:
    """The training split of a task, as a method may read it before training."""

    read: Callable[[Tensor], Tensor]  # index [B] -> normalised images [B, 3, H, W] on the device
    labels: Tensor  # int64 [N]

    def __len__(self) -> int:
        return len(self.labels)


@runtime_checkable
class Constructs(Protocol):
    """Optional: a method that makes a part of itself from images, before the first step.

    Called once at the start of every attempt at a trial, on the training device and in `eval`
    mode, without gradients, and timed: the seconds are recorded. What is made is a parameter or a
    persistent buffer that exists from `__init__` on, so that a checkpoint holds it. Parameters that
    have their final value then (solved in closed form) stop requiring gradients here.
    """

    def construct(self, own: Examples, others: Mapping[str, Examples]) -> None:
        """Read the trial's own training split, and those of other tasks.

        `others` has the split of the task that each parameter in the file's `TASKS` names, by
        the name of that parameter; a parameter that is empty is left out.
        """
        ...


@runtime_checkable
class TrainsInRounds(Protocol):
    """Optional: a method that is trained `rounds` times, as long as the recipe says each time.

    The learning rate and the optimiser start anew in each round.
    """

    rounds: int

    def next_round(self, own: Examples) -> None:
        """Between two rounds, with gradients enabled: prune, rewind. Takes nothing but the state
        and `own`, so that an interrupted trial does it again with the same outcome.
        """
        ...


@runtime_checkable
class DecaysApart(Protocol):
    """Optional: a method that has weight decays of its own for some of its parameters."""

    def weight_decays(self) -> Mapping[str, float]:
        """Parameter name -> weight decay in place of the recipe's."""
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
    tasks: tuple[str, ...]  # parameters that name another task, whose images it reads
    skip_rule: Any  # the file's `skip`
    features: Literal["own", "tower"] = "own"  # tower: those of the frozen tower, untouched

    def skip(self, params: MethodParams, backbone: BackboneInfo) -> str | None:
        """Why `backbone` cannot carry this method with `params`, or None."""
        missing = sorted(self.requires - backbone.ways)
        if missing:
            return f"method '{self.name}' needs {', '.join(missing)}, which it does not offer"
        try:
            reason: str | None = self.skip_rule(params, backbone)
        except Exception as error:  # the author's code, told as the author's mistake
            raise InputError(
                Problem(
                    f"method file {place_in(error, self.source)}",
                    f"skip() raises {type(error).__name__}: {error}",
                    "None or a reason",
                    "sweeper/method.py lists what a backbone's info holds.",
                )
            ) from error
        return reason


def place_in(error: BaseException, source: str) -> str:
    """`source` with the line in it that `error` came from, if it came from there."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == source]
    if isinstance(error, SyntaxError) and error.filename == source:
        lines.append(error.lineno)
    return f"{source}:{lines[-1]}" if lines else source
