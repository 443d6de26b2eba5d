"""An open_clip model with a plain ViT as a frozen `Backbone`: prompts are an argument.

The forward is `image_tower` over the library's own weights, and `texts`; tests compare with the
library's.

Symbols: B images, K classes, T tokens of a text, D width, E joint width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from open_clip.tokenizer import tokenize
from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from torch import Tensor, nn

from sweeper.backbones.backbone import BackboneInfo
from sweeper.backbones.image_tower import ImageTower, Trace
from sweeper.backbones.open_clip_names import block_shape, blocks, named
from sweeper.backbones.prompts import Adapter, Prompts, as_prompts
from sweeper.backbones.shortcuts import ALL, Shortcuts
from sweeper.backbones.texts import Texts, Tokenizer


class ClipBackbone:
    """A frozen CLIP. Not an `nn.Module`: a method that keeps it owns none of its weights."""

    def __init__(
        self,
        model: nn.Module,
        info: BackboneInfo,
        shortcuts: Shortcuts = ALL,
        tokenizer: Callable[[], Tokenizer] = lambda: tokenize,
    ) -> None:
        """Freeze `model` in place; it may be without a text tower, as `info.ways` says.

        Raises:
            ValueError: with everything in which the image tower is not a plain ViT.
        """
        visual: Any = model.visual
        odd = list(image_oddities(visual))
        if odd:
            raise ValueError(f"'{info.name}' has no plain ViT: {'; '.join(odd)}")
        self.info = info
        self._model: Any = model.requires_grad_(False).eval()
        self._image = replace(info.setting.tower(image_tower(visual)), shortcuts=shortcuts)
        text = "text" in info.ways
        self._texts = Texts(model, info, shortcuts, tokenizer) if text else None
        self.logit_scale = logit_scale(model)

    def tensors(self) -> Mapping[str, Tensor]:
        """Every weight and buffer by name: to compare, never to write."""
        return dict(self._model.named_parameters()) | dict(self._model.named_buffers())

    @property
    def image_weights(self) -> Mapping[str, Tensor]:
        """The image tower's weights by timm's names."""
        return self._image.weights

    def embed_image(self, images: Tensor) -> Tensor:
        """[CLS; patches] + positions [B, 1 + N_e, D], as they are before the first norm."""
        return self._image.embed(images)

    def encode_image(
        self,
        images: Tensor,
        prompts: Tensor | Prompts | None = None,
        *,
        weights: Mapping[str, Tensor] | None = None,
        adapter: Adapter | None = None,
    ) -> Tensor:
        """Unnormalised features [B, E] of images [B, 3, H, W], see `Backbone.encode_image`.

        Raises:
            ValueError: more prompts than `info.max_prompts`, or a weight that does not fit.
        """
        found = as_prompts(prompts, most=self.info.max_prompts, backbone=self.info.name)
        return self._image.with_weights(weights).encode(images, found, adapter)

    def enter(self, images: Tensor, block: int) -> Tensor:
        """What enters `block` [B, 1 + N_e, D] without prompts, see `Backbone.enter`."""
        return self._image.enter(images, block)

    def encode_from(self, tokens: Tensor, prompts: Prompts) -> Tensor:
        """Features [B, E] of what enters `prompts.first_block`, see `Backbone.encode_from`.

        Raises:
            ValueError: more prompts than `info.max_prompts`.
        """
        found = as_prompts(prompts, most=self.info.max_prompts, backbone=self.info.name)
        return self._image.encode_from(tokens, found)

    def trace_image(
        self,
        images: Tensor,
        prompts: Tensor | Prompts | None = None,
        *,
        weights: Mapping[str, Tensor] | None = None,
        adapter: Adapter | None = None,
    ) -> tuple[Trace, Tensor]:
        """What stands before each block, and the features, see `Backbone.trace_image`."""
        found = as_prompts(prompts, most=self.info.max_prompts, backbone=self.info.name)
        return self._image.with_weights(weights).trace(images, found, adapter)

    def head_logits(self, features: Tensor) -> Tensor:  # noqa: ARG002
        """Raises ValueError: CLIP has no classifier but its text."""
        raise ValueError(f"backbone '{self.info.name}' has no head of its own")

    def embed_text(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Embeddings [K, T, D_t] of texts and the place [K] of their end, see `Texts.embed`."""
        return self._with_text().embed(texts)

    def encode_text(
        self, embeddings: Tensor, end: Tensor, deeper: Tensor | None = None, first: int = 1
    ) -> Tensor:
        """Unnormalised text features [K, E] of embeddings [K, T, D_t], see `Texts.encode`."""
        return self._with_text().encode(embeddings, end, deeper, first)

    def classifier(self, classes: Sequence[str], template: str) -> Tensor:
        """Unit text features [K, E], see `Texts.classifier`."""
        return self._with_text().classifier(classes, template)

    def _with_text(self) -> Texts:
        if self._texts is None:
            raise ValueError(f"backbone '{self.info.name}' has no text tower")
        return self._texts


def logit_scale(model: Any) -> float:
    """exp(logit_scale) of an open_clip model; 1 of one without a text tower."""
    scale: Tensor | None = getattr(model, "logit_scale", None)
    return 1.0 if scale is None else scale.exp().item()


def image_oddities(visual: Any) -> Iterator[str]:
    """What `image_tower` does not compute as open_clip's `visual` does; nothing for a plain ViT."""
    if type(visual) is not VisionTransformer:
        yield f"a {type(visual).__name__}"
        return
    if visual.attn_pool is not None or visual.pool_type not in ("tok", "avg"):
        yield "pooling by attention, or none"
    resblocks: Any = visual.transformer.resblocks
    if any(type(block) is not ResidualAttentionBlock for block in resblocks):
        yield f"blocks of type {type(resblocks[0]).__name__}"


def image_tower(visual: Any) -> ImageTower:
    """The image tower over open_clip's own weights, which train where those do."""
    weights = {
        "patch_embed.proj.weight": visual.conv1.weight,
        "cls_token": visual.class_embedding,
        "pos_embed": visual.positional_embedding,
        "proj": visual.proj,
        **named("norm_pre", visual.ln_pre),
        **named("norm", visual.ln_post),
        **blocks(visual.transformer.resblocks),
    }
    resblocks = visual.transformer.resblocks
    return ImageTower(
        weights,
        len(resblocks),
        block_shape(resblocks[0]),
        "cls" if visual.pool_type == "tok" else "mean",
        norm_first=visual.pool_type == "avg" and not visual.final_ln_after_pool,
    )
