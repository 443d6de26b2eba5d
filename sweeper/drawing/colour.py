"""Named colours, each a cloud of shades around a centre."""

import torch
from torch import Tensor

PALETTE: dict[str, tuple[float, float, float]] = {
    "red": (0.86, 0.12, 0.12),
    "orange": (0.97, 0.52, 0.08),
    "yellow": (0.97, 0.88, 0.15),
    "green": (0.13, 0.62, 0.20),
    "cyan": (0.18, 0.82, 0.85),
    "blue": (0.12, 0.25, 0.85),
    "purple": (0.50, 0.12, 0.65),
    "pink": (0.98, 0.55, 0.75),
    "brown": (0.45, 0.26, 0.10),
    "black": (0.06, 0.06, 0.06),
    "grey": (0.52, 0.52, 0.52),
    "white": (0.95, 0.95, 0.95),
}
COLOURS = tuple(PALETTE)
CENTRES = torch.tensor(list(PALETTE.values()))
# Two colours can lie side by side when their squared distance exceeds this.
CONTRAST = 0.25


def shade(colour: Tensor, generator: torch.Generator, spread: float = 0.06) -> Tensor:
    """RGB ``[n, 3]`` near the centre of each colour ``[n]`` (index into ``COLOURS``)."""
    noise = torch.randn(len(colour), 3, generator=generator) * spread
    return (CENTRES[colour] + noise).clamp(0, 1)


def contrasting(colour: Tensor, generator: torch.Generator) -> Tensor:
    """For each colour ``[n]`` another one that is well visible against it."""
    apart = (CENTRES[:, None] - CENTRES[None]).square().sum(-1) > CONTRAST
    return torch.multinomial(apart[colour].float(), 1, generator=generator)[:, 0]
