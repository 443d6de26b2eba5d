"""The causal text tower of a CLIP as a function of its weights and of token embeddings.

Weights go by the names of `image_tower` for blocks, and `token_embedding` [vocabulary, D_t],
`pos_embed` [context, D_t], `norm.*`, `proj` [D_t, E].

Symbols: K texts, T tokens of a text, D_t width, E joint width, L_t blocks, M context tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from sweeper.backbones.block import Block, BlockShape, run_block
from sweeper.backbones.shortcuts import ALL, Shortcuts


@dataclass(frozen=True)
class TextTower:
    """The frozen weights, and the numbers that they do not say."""

    weights: Mapping[str, Tensor]
    depth: int  # L_t
    shape: BlockShape
    shortcuts: Shortcuts = ALL

    def embed(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings [K, T, D_t] of token ids [K, context], and the place [K] of the end token.

        T ends with the longest text: what follows the end of a causal text is never read. Without
        that shortcut T is the context.
        """
        end = tokens.argmax(dim=-1)  # the end-of-text token has the highest id
        length = int(end.max()) + 1 if self.shortcuts.cut else tokens.shape[1]
        table = self.weights["token_embedding"]
        return F.embedding(tokens[:, :length].to(table.device), table), end.to(table.device)

    def encode(
        self, embeddings: Tensor, end: Tensor, deeper: Tensor | None = None, first: int = 1
    ) -> Tensor:
        """Unnormalised features [K, E] of embeddings [K, T, D_t] without positions.

        `deeper` [L_t - 1, M, D_t] or [L_t - 1, K, M, D_t] replaces the M tokens from place
        `first` on before blocks 1 to L_t - 1.
        """
        states = embeddings + self.weights["pos_embed"][: embeddings.shape[1]]
        for number in range(self.depth):
            if deeper is not None and number > 0:
                fresh = deeper[number - 1].expand(len(states), -1, -1)
                after = states[:, first + fresh.shape[1] :]
                states = torch.cat((states[:, :first], fresh, after), dim=1)
            block = Block(self.weights, f"blocks.{number}.", self.shape)
            states = run_block(block, states, causal=True, fused=self.shortcuts.fused)
        last = states[torch.arange(len(states), device=states.device), end]
        weight, bias = self.weights["norm.weight"], self.weights["norm.bias"]
        normed = F.layer_norm(last, last.shape[-1:], weight, bias, self.shape.eps)
        return normed @ self.weights["proj"]
