"""A backbone that is watched: the same features, with all that stood in the tower on the way.

Symbols: B images, D width, E joint width, L blocks, N_e patch tokens, p prompts of a block,
r key-value prompts of a block, T = 1 + N_e + p.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn

from sweeper.backbones.backbone import Backbone
from sweeper.backbones.image_tower import Trace
from sweeper.backbones.prompts import Adapter, Prompts
from sweeper.errors import InputError, Problem


@dataclass(frozen=True)
class Observation:
    """One pass of images through an image tower."""

    trace: Trace
    features: Tensor  # [B, E]
    prompts: Prompts  # as they were given
    weights: Mapping[str, Tensor]  # of the tower, with those of this pass in their places
    patches: int  # N_e
    prefix: int = 1  # c, tokens before the patches: CLS and registers

    @property
    def depth(self) -> int:
        """L."""
        return len(self.trace.attention)

    def prompt_places(self, block: int) -> slice:
        """Where the p prompts stand among the T tokens before `block` (p may differ by block)."""
        length = self.trace.inputs[block].shape[1]
        count = length - self.prefix - self.patches
        start = self.prefix if self.prompts.place == "after_cls" else length - count
        return slice(start, start + count)

    def patch_places(self, block: int) -> slice:
        """Where the N_e patches stand among the T tokens before `block`."""
        found = self.prompt_places(block)
        start = found.stop if self.prompts.place == "after_cls" else self.prefix
        return slice(start, start + self.patches)

    def prompt_tokens(self, block: int) -> Tensor:
        """The prompts [B, p, D] that enter `block`, before its norm; p = 0 where there are none."""
        return self.trace.inputs[block][:, self.prompt_places(block)]

    def patch_tokens(self, block: int) -> Tensor:
        """The patches [B, N_e, D] that enter `block`, before its norm."""
        return self.trace.inputs[block][:, self.patch_places(block)]

    def key_prompts(self) -> int:
        """r, the prompts that are keys and values alone; they are read before the T tokens."""
        return 0 if self.prompts.keys is None else self.prompts.keys.shape[-2]

    def prompted_blocks(self) -> list[int]:
        """The blocks that prompt tokens enter."""
        return [block for block in range(self.depth) if self.prompt_tokens(block).shape[1]]


class ObservedBackbone:
    """A `Backbone` around another one; `last` is what `encode_image` saw in its latest call."""

    def __init__(self, backbone: Backbone) -> None:
        self.info = backbone.info
        self.last: Observation | None = None
        self.texts: Tensor | None = None  # what `encode_text` gave in its latest call
        self._backbone = backbone

    def encode_image(
        self,
        images: Tensor,
        prompts: Tensor | Prompts | None = None,
        *,
        weights: Mapping[str, Tensor] | None = None,
        adapter: Adapter | None = None,
    ) -> Tensor:
        """Features [B, E] by the way without shortcuts, see `Backbone.trace_image`."""
        trace, features = self.trace_image(images, prompts, weights=weights, adapter=adapter)
        self.last = Observation(
            trace=trace,
            features=features,
            prompts=prompts if isinstance(prompts, Prompts) else Prompts(tokens=prompts),
            weights={**self.image_weights, **(weights or {})},
            patches=self.info.patches,
            prefix=self.info.prefix,
        )
        return features

    def trace_image(
        self,
        images: Tensor,
        prompts: Tensor | Prompts | None = None,
        *,
        weights: Mapping[str, Tensor] | None = None,
        adapter: Adapter | None = None,
    ) -> tuple[Trace, Tensor]:
        """Passed on."""
        return self._backbone.trace_image(images, prompts, weights=weights, adapter=adapter)

    def enter(self, images: Tensor, block: int) -> Tensor:
        """Passed on."""
        return self._backbone.enter(images, block)

    def encode_from(self, tokens: Tensor, prompts: Prompts) -> Tensor:
        """Passed on; nothing is seen of it, as a study calls its methods on images."""
        return self._backbone.encode_from(tokens, prompts)

    def tensors(self) -> Mapping[str, Tensor]:
        """Passed on."""
        return self._backbone.tensors()

    @property
    def image_weights(self) -> Mapping[str, Tensor]:
        """Passed on."""
        return self._backbone.image_weights

    @property
    def logit_scale(self) -> float:
        """Passed on."""
        return self._backbone.logit_scale

    def embed_image(self, images: Tensor) -> Tensor:
        """Passed on."""
        return self._backbone.embed_image(images)

    def head_logits(self, features: Tensor) -> Tensor:
        """Passed on."""
        return self._backbone.head_logits(features)

    def embed_text(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Passed on."""
        return self._backbone.embed_text(texts)

    def encode_text(
        self, embeddings: Tensor, end: Tensor, deeper: Tensor | None = None, first: int = 1
    ) -> Tensor:
        """Passed on, and kept in `texts`."""
        self.texts = self._backbone.encode_text(embeddings, end, deeper, first)
        return self.texts

    def classifier(self, classes: Sequence[str], template: str) -> Tensor:
        """Passed on."""
        return self._backbone.classifier(classes, template)


@contextmanager
def observed(module: nn.Module, backbone: Backbone) -> Iterator[ObservedBackbone]:
    """Inside the block, `module` and its parts hold an observed backbone in place of `backbone`.

    A module that was built on an `ObservedBackbone` is left as it is.

    Raises:
        InputError: no part of the module has `backbone` as an attribute.
    """
    if isinstance(backbone, ObservedBackbone):
        yield backbone
        return
    watched = ObservedBackbone(backbone)
    held = [
        (part, name)
        for part in module.modules()
        for name, value in vars(part).items()
        if value is backbone
    ]
    if not held:
        raise InputError(
            Problem(
                f"method '{type(module).__module__}'",
                "keeps no backbone as an attribute",
                "one attribute that is the backbone it was built on",
                "Build it on an ObservedBackbone instead.",
            )
        )
    try:
        for part, name in held:
            setattr(part, name, watched)
        yield watched
    finally:
        for part, name in held:
            setattr(part, name, backbone)
