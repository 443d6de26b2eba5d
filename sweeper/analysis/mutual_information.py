"""Mutual information of prompt tokens and patch tokens (SPT, Eq. 7 and 8, Fig. 2).

    pi(k, j) = sigmoid(p_k . e_j) / sum_kj sigmoid(p_k . e_j)
    NMI = 2 I(P; E) / (H(P) + H(E)), from pi and its marginals; between 0 and 1, without a unit

The tokens are those that enter a block, before its norm, and dot products are not scaled. The
paper leaves both unstated, and which images are averaged.

This NMI grows with the norm of the tokens whatever their directions: tokens without any relation
reach the same value as prompts that were taken from the patches. So it comes with the norms and
with a control, prompts of the same norms and random directions; only what is above the control
says that prompts and patches belong together.

Symbols: B images, p prompts, N_e patches, D width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class PromptPatchInformation:
    """One block's values by image, each [B] in float64."""

    nmi: Tensor
    control: Tensor  # NMI of prompts of the same norms and random directions, mean over draws
    prompt_norm: Tensor  # Euclidean, mean over the p prompts
    patch_norm: Tensor  # Euclidean, mean over the N_e patches


def prompt_patch_nmi(prompts: Tensor, patches: Tensor) -> Tensor:
    """NMI [B], float64, of prompts [B, p, D] and patches [B, N_e, D]; 0 for one prompt."""
    scores = prompts.double() @ patches.double().transpose(-1, -2)
    logs = F.logsigmoid(scores)
    joint = logs - logs.flatten(1).logsumexp(dim=1)[:, None, None]
    of_prompts, of_patches = joint.logsumexp(dim=2), joint.logsumexp(dim=1)
    surprise = joint - of_prompts[:, :, None] - of_patches[:, None, :]
    shared = (joint.exp() * surprise).sum(dim=(1, 2)).clamp(min=0)
    entropies = _entropy(of_prompts) + _entropy(of_patches)
    return torch.where(entropies > 0, 2 * shared / entropies, torch.zeros_like(shared))


def norm_matched(prompts: Tensor, draw: torch.Generator) -> Tensor:
    """Prompts [B, p, D], float64, of the norms of `prompts`; directions are the same for images."""
    directions = torch.randn(prompts.shape[1:], generator=draw, dtype=torch.float64)
    directions = F.normalize(directions, dim=-1).to(prompts.device)
    norms: Tensor = prompts.double().norm(dim=-1, keepdim=True)
    return norms * directions


def prompt_patch_information(
    prompts: Tensor, patches: Tensor, *, draw: torch.Generator, draws: int = 5
) -> PromptPatchInformation:
    """NMI, norms and control of prompts [B, p, D] and patches [B, N_e, D] of one block."""
    controls = [prompt_patch_nmi(norm_matched(prompts, draw), patches) for _ in range(draws)]
    return PromptPatchInformation(
        nmi=prompt_patch_nmi(prompts, patches),
        control=torch.stack(controls).mean(dim=0),
        prompt_norm=prompts.double().norm(dim=-1).mean(dim=-1),
        patch_norm=patches.double().norm(dim=-1).mean(dim=-1),
    )


def _entropy(logs: Tensor) -> Tensor:
    """Entropy [B] in nats of log probabilities [B, n]."""
    return -(logs.exp() * logs).sum(dim=1).clamp(max=0)
