"""An image tower, a plain pre-norm ViT, as a function of its weights, an image and prompts.

Weights go by timm's names, whichever library they come from: `patch_embed.proj.weight` (`.bias`),
`cls_token`, `reg_token`, `pos_embed` (of all tokens, or of the patches alone), `norm_pre.*` (CLIP),
`blocks.<i>.norm1|attn.qkv|attn.proj|norm2|mlp.fc1|mlp.fc2|ls1|ls2.*`, `norm.*`, wherever it stands,
and `proj` [D, E] (CLIP). What has no weights is not computed.

Symbols: B images, D width, E joint width, L blocks, h heads, N_e patch tokens, c tokens before the
patches (CLS and registers, usually 1), T = c + N_e + p.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from sweeper.backbones.block import Block, BlockShape, attention_weights, run_block
from sweeper.backbones.prompts import Adapter, Prompts, joined, parted
from sweeper.backbones.shortcuts import ALL, PLAIN, Shortcuts

Weights = Mapping[str, Tensor]
Pooling = Literal["cls", "mean", "patches"]


@dataclass(frozen=True)
class Trace:
    """What stands in a tower on its way, every token computed."""

    inputs: tuple[Tensor, ...]  # L + 1 of [B, T, D]: before each block, and after the last
    # L of [B, h, r + T]: how CLS, or without one the mean token, reads key prompts and tokens
    attention: tuple[Tensor, ...]
    shape: BlockShape  # of the blocks that were passed


@dataclass(frozen=True)
class ImageTower:
    """The frozen weights, and the numbers that they do not say."""

    weights: Weights
    depth: int  # L
    shape: BlockShape
    pooling: Pooling  # `mean`: of patches and prompts; `patches`: of patches alone
    norm_first: bool = False  # the final norm is before the mean; behind it otherwise
    shortcuts: Shortcuts = ALL

    def __post_init__(self) -> None:
        if self.pooling == "cls" and "cls_token" not in self.weights:
            raise ValueError("pooling 'cls' of a tower without CLS")

    @property
    def prefix(self) -> int:
        """c, the tokens before the patches."""
        return sum(tokens.numel() // tokens.shape[-1] for tokens in self._before())

    def with_weights(self, weights: Weights | None) -> ImageTower:
        """This tower with `weights` in the place of its own of the same names.

        Raises:
            ValueError: a name or a shape that it does not have.
        """
        if not weights:
            return self
        for name, value in weights.items():
            own = self.weights.get(name)
            if own is None or own.shape != value.shape:
                found = "none" if own is None else tuple(own.shape)
                raise ValueError(f"weight '{name}' is {tuple(value.shape)}, the tower has {found}")
        return replace(self, weights={**self.weights, **weights})

    def embed(self, images: Tensor) -> Tensor:
        """[CLS; registers; patches] + positions [B, c + N_e, D] of images [B, 3, H, W]."""
        kernel, bias = self.weights["patch_embed.proj.weight"], "patch_embed.proj.bias"
        patches = F.conv2d(images, kernel, self.weights.get(bias), stride=kernel.shape[-1])
        patches = patches.flatten(2).transpose(1, 2)
        width = patches.shape[-1]
        before = [t.reshape(1, -1, width).expand(len(images), -1, -1) for t in self._before()]
        positions = self.weights["pos_embed"]
        if positions.shape[-2] == patches.shape[1]:  # of the patches alone
            return torch.cat((*before, patches + positions), dim=1)
        return torch.cat((*before, patches), dim=1) + positions

    def encode(
        self,
        images: Tensor,
        prompts: Prompts,
        adapter: Adapter | None = None,
        see: Callable[[int, Tensor], None] | None = None,
    ) -> Tensor:
        """Features [B, E] of normalised images [B, 3, H, W].

        Prompts that the next block replaces are keys and values only; with `gates` they flow.
        `see` is shown the tokens before each block, and behind the last under its number L.
        """
        return self._through(0, self.enter(images, 0), prompts, adapter, see)

    def enter(self, images: Tensor, block: int) -> Tensor:
        """The tokens [B, c + N_e, D] that enter `block` without prompts, behind the first norm."""
        tokens = self._norm("norm_pre", self.embed(images))
        for number in range(block):
            tokens = self._run(number, tokens, Prompts())
        return tokens

    def encode_from(self, tokens: Tensor, prompts: Prompts) -> Tensor:
        """Features [B, E] of what `enter(images, prompts.first_block)` gave."""
        return self._through(prompts.first_block, tokens, prompts)

    def _through(
        self,
        start: int,
        tokens: Tensor,
        prompts: Prompts,
        adapter: Adapter | None = None,
        see: Callable[[int, Tensor], None] | None = None,
    ) -> Tensor:
        """Features [B, E] of the tokens that enter block `start`."""
        if not 0 <= prompts.first_block < self.depth:
            raise ValueError(f"first_block {prompts.first_block} of {self.depth} blocks")
        count = 0  # prompts among the tokens
        for number in range(start, self.depth):
            last, fresh = number == self.depth - 1, self._fresh(number, prompts)
            # what is pooled with the rest is read after all
            aside = self._drops(prompts) and not (last and self.pooling == "mean")
            if fresh is not None and not aside:
                rest = self._parted(tokens, count, prompts.place)[0] if count else tokens
                tokens, count = self._joined(rest, fresh, prompts.place), fresh.shape[-2]
            if see is not None:
                see(number, tokens)
            read = 1 if last and self.pooling == "cls" and self.shortcuts.last else None
            extra = fresh if aside else None
            outputs = self._run(number, tokens, prompts, adapter, read=read, extra=extra)
            if prompts.gates is not None and not last:
                outputs = self._gate(tokens, outputs, prompts.gates[number], count, prompts.place)
            tokens = outputs
        if see is not None:
            see(self.depth, tokens)
        return self._read(tokens, count, prompts.place)

    def trace(
        self, images: Tensor, prompts: Prompts, adapter: Adapter | None = None
    ) -> tuple[Trace, Tensor]:
        """Every token and how CLS reads them, and the features [B, E]; no token is left out."""
        whole = replace(self, shortcuts=replace(PLAIN, fused=self.shortcuts.fused))
        readers = slice(0, 1) if "cls_token" in self.weights else slice(None)
        inputs, attention = [], []

        def see(number: int, tokens: Tensor) -> None:
            inputs.append(tokens)
            if number == self.depth:
                return
            keys = None if prompts.keys is None else prompts.keys[number]
            heat = None if prompts.temperature is None else prompts.temperature[number]
            block = self._block(number)
            rows = attention_weights(block, tokens, readers, keys=keys, temperature=heat)
            attention.append(rows.mean(dim=2))

        features = whole.encode(images, prompts, adapter, see)
        return Trace(tuple(inputs), tuple(attention), self.shape), features

    def _drops(self, prompts: Prompts) -> bool:
        """Whether the outputs of prompts are dropped, so that they need not be computed."""
        return prompts.deeper is not None and self.shortcuts.replaced

    def _fresh(self, number: int, prompts: Prompts) -> Tensor | None:
        """The prompts that enter at a block, those of block 0 behind the first norm."""
        found = prompts.of_block(number)
        if found is None or number or prompts.normed:
            return found
        return self._norm("norm_pre", found)

    def _run(
        self,
        number: int,
        tokens: Tensor,
        prompts: Prompts,
        adapter: Adapter | None = None,
        *,
        read: int | None = None,
        extra: Tensor | None = None,
    ) -> Tensor:
        return run_block(
            self._block(number),
            tokens,
            read=read,
            extra=extra,
            keys=None if prompts.keys is None else prompts.keys[number],
            values=None if prompts.values is None else prompts.values[number],
            temperature=None if prompts.temperature is None else prompts.temperature[number],
            adapter=None if adapter is None else partial(adapter, number),
            fused=self.shortcuts.fused,
        )

    def _read(self, tokens: Tensor, count: int, place: str) -> Tensor:
        """Features [B, E] of the last block's outputs, `count` of which are prompts."""
        if self.pooling == "cls":
            pooled = self._norm("norm", tokens[:, 0])
        else:
            rest, own = self._parted(tokens, count, place)
            read = rest[:, self.prefix :]
            if self.pooling == "mean":
                read = torch.cat((read, own), dim=1)
            mean = self._norm("norm", read).mean(dim=1) if self.norm_first else read.mean(dim=1)
            pooled = mean if self.norm_first else self._norm("norm", mean)
        return pooled @ self.weights["proj"] if "proj" in self.weights else pooled

    def _norm(self, name: str, tokens: Tensor) -> Tensor:
        """Layer norm of that name, where there is one."""
        if f"{name}.weight" not in self.weights:
            return tokens
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return F.layer_norm(tokens, tokens.shape[-1:], weight, bias, self.shape.eps)

    def _before(self) -> list[Tensor]:
        """The tokens before the patches, in their order."""
        return [self.weights[n] for n in ("cls_token", "reg_token") if n in self.weights]

    def _block(self, number: int) -> Block:
        return Block(self.weights, f"blocks.{number}.", self.shape)

    def _joined(self, tokens: Tensor, prompts: Tensor | None, place: str) -> Tensor:
        return joined(tokens, prompts, self.prefix if place == "after_cls" else tokens.shape[1])

    def _parted(self, tokens: Tensor, count: int, place: str) -> tuple[Tensor, Tensor]:
        at = self.prefix if place == "after_cls" else tokens.shape[1] - count
        return parted(tokens, count, at)

    def _gate(self, before: Tensor, after: Tensor, gate: Tensor, count: int, place: str) -> Tensor:
        """`after`, its prompts mixed with those of `before`: g out + (1 - g) in."""
        rest, out = self._parted(after, count, place)
        mixed = gate * out + (1 - gate) * self._parted(before, count, place)[1]
        return self._joined(rest, mixed, place)
