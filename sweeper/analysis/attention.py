"""Where CLS and the prompts look (PGN Fig. 4 and 7, UPT Fig. 6).

Attention weights are fractions: those of one query add up to 1. All are means over the heads. PGN
leaves unstated which block and which mean its Fig. 4 shows; here every block is to be had.

Symbols: B images, h heads, N_e patches on a grid [g, g], p prompt tokens and r key-value prompts
of a block, T = 1 + N_e + p.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sweeper.analysis.observe import Observation
from sweeper.backbones.block import Block, attention_weights


def attention_of(observation: Observation, block: int, queries: slice) -> Tensor:
    """How the tokens at `queries` read [B, h, q, r + T]: key-value prompts first, then tokens."""
    given, trace = observation.prompts, observation.trace
    return attention_weights(
        Block(observation.weights, f"blocks.{block}.", trace.shape),
        trace.inputs[block],
        queries,
        keys=None if given.keys is None else given.keys[block],
        temperature=None if given.temperature is None else given.temperature[block],
    )


def cls_shares(observation: Observation, block: int) -> Tensor:
    """The shares [B, 3] of CLS's attention that go to CLS (and registers), patches and prompts of
    both kinds.
    """
    attention, extra = _of_cls(observation, block)
    patches = attention[:, extra:][:, observation.patch_places(block)].sum(dim=1)
    own = attention[:, extra:][:, : observation.prefix].sum(dim=1)
    return torch.stack((own, patches, cls_to_prompts(observation, block).sum(dim=1)), dim=1)


def cls_to_prompts(observation: Observation, block: int) -> Tensor:
    """CLS's attention [B, r + p] to each prompt."""
    attention, extra = _of_cls(observation, block)
    tokens = attention[:, extra:][:, observation.prompt_places(block)]
    return torch.cat((attention[:, :extra], tokens), dim=1)


def cls_map(observation: Observation, block: int) -> Tensor:
    """CLS's attention to the patches [B, g, g]."""
    attention, extra = _of_cls(observation, block)
    return _on_grid(attention[:, extra:][:, observation.patch_places(block)])


def prompt_maps(observation: Observation, block: int) -> Tensor:
    """Each prompt token's attention to the patches [B, p, g, g].

    What the prompts of the last block read no longer reaches a feature that is CLS.
    """
    rows = attention_of(observation, block, observation.prompt_places(block)).mean(dim=1)
    extra = observation.key_prompts()
    return _on_grid(rows[:, :, extra:][:, :, observation.patch_places(block)])


def _of_cls(observation: Observation, block: int) -> tuple[Tensor, int]:
    """CLS's attention [B, r + T], and r."""
    return observation.trace.attention[block].mean(dim=1), observation.key_prompts()


def _on_grid(patches: Tensor) -> Tensor:
    side = math.isqrt(patches.shape[-1])
    return patches.reshape(*patches.shape[:-1], side, side)
