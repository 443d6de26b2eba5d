"""Prompts made of tokens (SPT section 3.3): picked, pooled over windows, or centres of clusters.

Tokens are those of B images, N_e each, one image after the other; they come in chunks, a list of
one tensor [tokens, D] for each level of the tower. A range is the first token and the one behind
the last. Nothing here knows of parameters or backbones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

MINI = 1024  # tokens of a k-means step, scikit-learn's default

Range = tuple[int, int]


def picks(prompts: int, tokens: int, draw: torch.Generator) -> list[Range]:
    """`prompts` of the tokens, none twice."""
    found = torch.randperm(tokens, generator=draw)[:prompts].tolist()
    return [(token, token + 1) for token in found]


def windows(prompts: int, tokens: int) -> list[Range]:
    """One window after the other, all of the same length; what remains at the end is dropped."""
    length = tokens // prompts
    return [(n * length, (n + 1) * length) for n in range(prompts)]


def image_windows(prompts: int, images: int, patches: int, draw: torch.Generator) -> list[Range]:
    """As the public code: each image by itself has prompts - 1 windows and a last one of the
    remainder, which is all of it where nothing remains; `prompts` of all those are drawn.

    Raises ZeroDivisionError for 1 prompt, and for more than patches + 1.
    """
    length = patches // (prompts - 1)
    each = windows(prompts - 1, length * (prompts - 1))
    rest = patches % length
    each.append((patches - rest if rest else 0, patches))  # Python's tokens[-rest:]
    rows = torch.randperm(prompts * images, generator=draw)[:prompts].tolist()
    corners = [(row % images * patches, each[row // images]) for row in rows]
    return [(corner + first, corner + stop) for corner, (first, stop) in corners]


def pooled(
    chunks: Iterable[list[Tensor]], ranges: Sequence[Sequence[Range]], *, maximum: bool
) -> list[Tensor]:
    """Mean or maximum [p, D] of each level over its ranges of tokens, which come in chunks."""
    made: dict[tuple[int, int], Tensor] = {}  # (level, prompt) -> sum or maximum so far [D]
    start = 0
    for chunk in chunks:
        stop = start + len(chunk[0])
        for level, (tokens, wanted) in enumerate(zip(chunk, ranges, strict=True)):
            for prompt, (first, end) in enumerate(wanted):
                if first >= stop or end <= start:
                    continue
                part = tokens[max(first - start, 0) : end - start]
                now = part.amax(dim=0) if maximum else part.sum(dim=0) / (end - first)
                if (before := made.get((level, prompt))) is not None:
                    now = torch.maximum(before, now) if maximum else before + now
                made[level, prompt] = now
        start = stop
    return [
        torch.stack([made[level, prompt] for prompt in range(len(wanted))])
        for level, wanted in enumerate(ranges)
    ]


def clustered(
    chunks: Iterable[list[Tensor]], prompts: int, states: Sequence[int], draw: torch.Generator
) -> list[Tensor]:
    """k-means centres [p, D] of each level, which starts from its own of the `states`."""
    from sklearn.cluster import MiniBatchKMeans  # a second to import, for this strategy alone

    found = [MiniBatchKMeans(prompts, random_state=state % 2**32) for state in states]
    for chunk in chunks:
        order = torch.randperm(len(chunk[0]), generator=draw)
        for means, tokens in zip(found, chunk, strict=True):
            for part in torch.split(tokens.float().cpu()[order], max(MINI, prompts)):
                means.partial_fit(part.numpy())
    return [torch.from_numpy(means.cluster_centers_) for means in found]
