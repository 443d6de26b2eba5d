"""Texts through the text tower of an open_clip model: ours where it is exact, else the library's.

Symbols: K texts, T tokens of a text, D_t width, E joint width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from open_clip.tokenizer import tokenize
from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.backbones.backbone import BackboneInfo
from sweeper.backbones.open_clip_names import block_shape, blocks, named
from sweeper.backbones.shortcuts import ALL, Shortcuts
from sweeper.backbones.text_tower import TextTower
from sweeper.errors import InputError, Problem

# (texts, context_length=T) -> token ids [K, T]
Tokenizer = Callable[..., Tensor]


class Texts:
    """A frozen text tower. `tokenizer` makes the tokenizer when the first text comes."""

    def __init__(
        self,
        model: nn.Module,
        info: BackboneInfo,
        shortcuts: Shortcuts = ALL,
        tokenizer: Callable[[], Tokenizer] = lambda: tokenize,
    ) -> None:
        self._model: Any = model
        self._name, self._make_tokenizer, self._shortcuts = info.name, tokenizer, shortcuts
        self._tokenizer: Tokenizer | None = None
        self._odd = list(text_oddities(model))
        self._tower = None
        if not self._odd:
            self._tower = replace(info.setting.text_tower(text_tower(model)), shortcuts=shortcuts)
        self._classifiers: dict[tuple[tuple[str, ...], str], Tensor] = {}

    def embed(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Embeddings [K, T, D_t] of texts and the place [K] of their end.

        Raises:
            InputError: a text has more tokens than the tower has positions.
            ValueError: the tower is not the causal one of CLIP.
        """
        return self._own().embed(self._tokens(list(texts)))

    def encode(
        self, embeddings: Tensor, end: Tensor, deeper: Tensor | None = None, first: int = 1
    ) -> Tensor:
        """Unnormalised text features [K, E] of embeddings, see `TextTower.encode`."""
        return self._own().encode(embeddings, end, deeper, first)

    def classifier(self, classes: Sequence[str], template: str) -> Tensor:
        """Unit text features [K, E], computed once for each (classes, template).

        Names are lower-cased and their underscores become spaces, as in PGN's public code.

        Raises:
            InputError: a text has more tokens than the tower has positions.
        """
        key = (tuple(classes), template)
        if key not in self._classifiers or not self._shortcuts.kept:
            texts = [template.format(name.lower().replace("_", " ")) for name in classes]
            with torch.no_grad():
                if self._tower is None:
                    tokens = self._tokens(texts).to(self._model.logit_scale.device)
                    features = self._model.encode_text(tokens, normalize=False)
                else:
                    features = self.encode(*self.embed(texts))
            self._classifiers[key] = F.normalize(features, dim=-1)
        return self._classifiers[key]

    def _own(self) -> TextTower:
        if self._tower is None:
            raise ValueError(
                f"the text tower of backbone '{self._name}' takes texts, not their embeddings: "
                + "; ".join(self._odd)
            )
        return self._tower

    def _tokens(self, texts: list[str]) -> Tensor:
        """Token ids [K, T] of whole texts; the library would cut long ones without a word."""
        if self._tokenizer is None:
            self._tokenizer = self._make_tokenizer()
        limit: int = getattr(self._model, "text", self._model).context_length
        # With room for two more: a text that fits has its end or nothing from the last place on.
        roomy = self._tokenizer([*texts, ""], context_length=limit + 2)
        fits = torch.isin(roomy[:-1, limit - 1 :], roomy[-1]).all(dim=1)
        too_long = [text for text, good in zip(texts, fits, strict=True) if not good]
        if too_long:
            raise InputError(
                Problem(
                    f"class text '{text}'",
                    "it is too long",
                    f"at most {limit} tokens with start and end, for backbone '{self._name}'",
                    "Shorten the name.",
                )
                for text in too_long
            )
        return self._tokenizer(texts, context_length=limit)


def text_oddities(model: Any) -> Iterator[str]:
    """In what the text tower of an open_clip model is not the causal one of CLIP."""
    tower = getattr(model, "text", model)
    if getattr(tower, "pool_type", getattr(model, "text_pool_type", "")) != "argmax":
        yield "not read at the end of the text"
    if tower.attn_mask is None:
        yield "not causal"
    if getattr(tower, "cls_emb", None) is not None:
        yield "a token of its own behind the text"
    if not isinstance(tower.text_projection, nn.Parameter):
        yield "another projection"
    if any(type(block) is not ResidualAttentionBlock for block in tower.transformer.resblocks):
        yield "other blocks"


def text_tower(model: Any) -> TextTower:
    """The text tower over open_clip's own weights, which train where those do."""
    tower = getattr(model, "text", model)
    weights = {
        "token_embedding": tower.token_embedding.weight,
        "pos_embed": tower.positional_embedding,
        "proj": tower.text_projection,
        **named("norm", tower.ln_final),
        **blocks(tower.transformer.resblocks),
    }
    resblocks = tower.transformer.resblocks
    return TextTower(weights, len(resblocks), block_shape(resblocks[0]))
