"""One pre-norm transformer block as a function of its weights.

Attention is two linear maps around `scaled_dot_product_attention`. Only what is read is computed:
queries and the MLP for the first `read` tokens; for prompts that the next block replaces (`extra`)
keys and values alone, and once for all images where they share them. Both are exact; tests compare
with the libraries' own blocks.

Symbols: B sequences, T tokens, D width, h heads, q extra prompts, r key-value prompts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class BlockShape:
    """What the weights of a block do not say."""

    heads: int
    activation: Callable[[Tensor], Tensor]
    eps: float  # of both norms


class Block:
    """A block whose weights are `weights[prefix + name]`, by timm's names."""

    def __init__(self, weights: Mapping[str, Tensor], prefix: str, shape: BlockShape) -> None:
        self._weights, self._prefix, self.shape = weights, prefix, shape

    def __getitem__(self, name: str) -> Tensor:
        return self._weights[self._prefix + name]

    def scale(self, name: str, outputs: Tensor) -> Tensor:
        """`outputs` times the layer scale of that name, where there is one."""
        gamma = self._weights.get(f"{self._prefix}{name}.gamma")
        return outputs if gamma is None else outputs * gamma

    def norm(self, name: str, tokens: Tensor) -> Tensor:
        """Layer norm of tokens [..., D]."""
        width = tokens.shape[-1:]
        weight, bias = self[f"{name}.weight"], self[f"{name}.bias"]
        return F.layer_norm(tokens, width, weight, bias, self.shape.eps)


def run_block(
    block: Block,
    tokens: Tensor,
    *,
    read: int | None = None,
    causal: bool = False,
    extra: Tensor | None = None,
    keys: Tensor | None = None,
    values: Tensor | None = None,
    temperature: Tensor | None = None,
    adapter: Callable[[Tensor], Tensor] | None = None,
    fused: bool = True,
) -> Tensor:
    """The first `read` outputs [B, read, D] (all by default) of `block` on tokens [B, T, D].

    `extra` [q, D] or [B, q, D] are tokens that are attended to and not read; `keys` and `values`
    [h, r, D / h] are attended to as they are; `temperature` [] divides the attention logits;
    `adapter` changes the output of the MLP; `fused` is attention in one kernel.
    """
    read = tokens.shape[1] if read is None else read
    normed = block.norm("norm1", tokens)
    query, key, value = _project(block, normed, read)
    if extra is not None:
        more = block.norm("norm1", extra if extra.dim() == 3 else extra[None])
        key_value = _keys_values(block, more).expand(-1, len(tokens), -1, -1, -1)
        key, value = (torch.cat(pair, 2) for pair in zip((key, value), key_value, strict=True))
    if keys is not None and values is not None:
        key, value = (
            torch.cat((prompts.to(own.dtype).expand(len(tokens), -1, -1, -1), own), 2)
            for prompts, own in ((keys, key), (values, value))
        )
    if temperature is not None:
        query = query / temperature
    attend = F.scaled_dot_product_attention if fused else _attention
    mixed = attend(query, key, value, is_causal=causal)
    mixed = mixed.transpose(1, 2).reshape(len(tokens), read, -1)
    attended = F.linear(mixed, block["attn.proj.weight"], block["attn.proj.bias"])
    tokens = tokens[:, :read] + block.scale("ls1", attended)
    hidden = F.linear(block.norm("norm2", tokens), block["mlp.fc1.weight"], block["mlp.fc1.bias"])
    hidden = block.shape.activation(hidden)
    outputs = F.linear(hidden, block["mlp.fc2.weight"], block["mlp.fc2.bias"])
    if adapter is not None:
        outputs = adapter(outputs)
    return tokens + block.scale("ls2", outputs)


def attention_weights(
    block: Block,
    tokens: Tensor,
    queries: slice,
    *,
    keys: Tensor | None = None,
    temperature: Tensor | None = None,
) -> Tensor:
    """How the tokens [B, T, D] at `queries` read all tokens, behind the r key prompts `keys`
    [h, r, D / h]: [B, h, queries, r + T], each row adding up to 1.
    """
    query, key, _ = _project(block, block.norm("norm1", tokens), tokens.shape[1])
    query = query[:, :, queries]
    if keys is not None:
        key = torch.cat((keys.to(key.dtype).expand(len(tokens), -1, -1, -1), key), 2)
    logits = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    weights: Tensor = (logits if temperature is None else logits / temperature).softmax(dim=-1)
    return weights


def _attention(query: Tensor, key: Tensor, value: Tensor, *, is_causal: bool) -> Tensor:
    """softmax(Q K^T / sqrt(D / h)) V, step by step."""
    logits = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    if is_causal:
        later = torch.ones(logits.shape[-2:], dtype=torch.bool, device=logits.device).triu(1)
        logits = logits.masked_fill(later, -torch.inf)
    mixed: Tensor = logits.softmax(dim=-1) @ value
    return mixed


def _project(block: Block, normed: Tensor, read: int) -> tuple[Tensor, Tensor, Tensor]:
    """Query [B, h, read, D / h], key and value [B, h, T, D / h] of normed tokens [B, T, D]."""
    width = normed.shape[-1]
    query = F.linear(
        normed[:, :read], block["attn.qkv.weight"][:width], block["attn.qkv.bias"][:width]
    )
    heads = (block.shape.heads, width // block.shape.heads)
    query = query.view(len(normed), read, *heads).transpose(1, 2)
    key, value = _keys_values(block, normed)
    return query, key, value


def _keys_values(block: Block, normed: Tensor) -> Tensor:
    """Keys and values [2, B, h, T, D / h] of normed tokens [B, T, D]."""
    batch, length, width = normed.shape
    both = F.linear(normed, block["attn.qkv.weight"][width:], block["attn.qkv.bias"][width:])
    heads = (block.shape.heads, width // block.shape.heads)
    return both.view(batch, length, 2, *heads).permute(2, 0, 3, 1, 4)
