"""The ways into the blocks of an image tower, beside plain tokens at its input.

Symbols: B images, L blocks, f the first block with prompts (0: at the input), D width, h heads,
p prompts of block f, q prompts of a later block, r key-value prompts of a block. A prompt without
B, or with 1 in its place, is the same for every image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Adapter = Callable[[int, Tensor], Tensor]  # (block, output of its MLP [B, T, D]) -> the same shape


@dataclass(frozen=True)
class Prompts:
    """What enters a tower beside the image; what is None does not.

    `tokens` alone flow on through all blocks from `first_block` on. With `deeper`, the outputs of
    prompts are dropped and block i reads `deeper[i - 1 - f]` in their place, as `tokens` at block
    f (VPT-deep). What enters block f is then that of the image alone, see `Backbone.enter`.
    """

    tokens: Tensor | None = None  # [p, D] or [B, p, D], before block f
    place: Literal["end", "after_cls"] = "end"  # before the patches; CLS reads the same
    # put in after the first norm, where the tower has one (CLIP's ln_pre); no matter for f > 0
    normed: bool = False
    deeper: Tensor | None = None  # [L - 1 - f, q, D] or [L - 1 - f, B, q, D], for blocks f + 1 on
    first_block: int = 0  # f
    keys: Tensor | None = None  # [L, h, r, D / h], before the keys of the tokens (E2VPT)
    values: Tensor | None = None  # [L, h, r, D / h], before the values
    gates: Tensor | None = None  # [L - 1]: prompts <- g out + (1 - g) in after a block (GateVPT)
    temperature: Tensor | None = None  # [L]: divides the attention logits of a block (GateVPT)

    def __post_init__(self) -> None:
        if self.deeper is not None and self.gates is not None:
            raise ValueError("gates mix a prompt with its output, which `deeper` drops")
        if self.gates is not None and self.tokens is None:
            raise ValueError("gates need tokens")
        if (self.keys is None) != (self.values is None):
            raise ValueError("keys and values come together")
        of_all = (self.keys, self.gates, self.temperature)
        if self.first_block and any(part is not None for part in of_all):
            raise ValueError("keys, values, gates and temperatures are of all blocks, from 0 on")

    @property
    def longest(self) -> int:
        """The most prompts that any block reads."""
        given = [part for part in (self.tokens, self.deeper) if part is not None]
        extra = 0 if self.keys is None else self.keys.shape[-2]
        return max((part.shape[-2] for part in given), default=0) + extra

    def of_block(self, block: int) -> Tensor | None:
        """The prompts [q, D] or [B, q, D] that enter at `block`, in place of older ones."""
        if block <= self.first_block:
            return self.tokens if block == self.first_block else None
        return None if self.deeper is None else self.deeper[block - 1 - self.first_block]


def as_prompts(prompts: Tensor | Prompts | None, *, most: int, backbone: str) -> Prompts:
    """Plain tokens as `Prompts`.

    Raises:
        ValueError: more prompts in a block than `most`, which is what `backbone` takes.
    """
    found = prompts if isinstance(prompts, Prompts) else Prompts(tokens=prompts)
    if found.longest > most:
        raise ValueError(f"{found.longest} prompts; '{backbone}' takes {most}")
    return found


def joined(tokens: Tensor, prompts: Tensor | None, at: int) -> Tensor:
    """Tokens [B, T, D] with prompts [p, D] or [B, p, D] put in at place `at`: [B, T + p, D]."""
    if prompts is None:
        return tokens
    prompts = prompts.expand(len(tokens), -1, -1)
    return torch.cat((tokens[:, :at], prompts, tokens[:, at:]), dim=1)


def parted(tokens: Tensor, count: int, at: int) -> tuple[Tensor, Tensor]:
    """A sequence with `count` prompts at place `at` -> the tokens beside them, the prompts."""
    rest = torch.cat((tokens[:, :at], tokens[:, at + count :]), dim=1)
    return rest, tokens[:, at : at + count]
