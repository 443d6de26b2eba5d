"""What the items of a token library stand for (PGN, Fig. 6).

An item is shown by the images that give it the highest mixing weight; an image's weight for an
item is the highest over its prompts. Weights are fractions; of a softmax, those of one prompt add
up to 1.

Symbols: M images, p prompts, N items.
"""

from __future__ import annotations

from torch import Tensor


def top_images(weights: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """For each item the `count` images (fewer if M is) with the highest weight, highest first.

    Takes weights [M, p, N]; gives images [N, count], places among the M, and weights [N, count].
    Of equal weights the earlier image comes first.
    """
    ordered = weights.amax(dim=1).sort(dim=0, descending=True, stable=True)
    return ordered.indices[:count].T, ordered.values[:count].T
