"""The colours of PGN's public code: jitter, greyscale and solarisation of a batch.

With probability 0.8 brightness, contrast, saturation (factors in 0.6 to 1.4) and hue (turned by
up to 0.4) in a random order; then greyscale with probability 0.2, then solarisation (127 and
darker stay, the rest is inverted) with probability 0.2. In integers, step by step, as Pillow
computes them: hue and saturation, too, have 8 bits.

Symbols: x [B, 3, S, S] whole numbers from 0 to 255, as float32; u [B, 11] from [0, 1).
"""

from __future__ import annotations

import torch
from torch import Tensor

STRENGTH = 0.4
JITTER, GREY, SOLARISE = 0.8, 0.2, 0.2  # probabilities
BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)
NUMBERS = 11  # an image


def change(images: Tensor, u: Tensor) -> Tensor:
    """uint8 [B, 3, S, S] -> the same; u: whether to jitter, 4 factors, 4 for their order,
    whether to make it grey, whether to solarise.
    """
    x = images.float()
    x = torch.where(_often(u[:, 0], JITTER), jitter(x, factors(u[:, 1:5]), u[:, 5:9].argsort(1)), x)
    x = torch.where(_often(u[:, 9], GREY), _grey(x), x)
    x = torch.where(_often(u[:, 10], SOLARISE) & (x >= 128), 255 - x, x)
    return x.to(torch.uint8)


def factors(u: Tensor) -> Tensor:
    """Of brightness, contrast and saturation, and the turn of hue: float64 [B, 4]."""
    centre = torch.tensor([1.0, 1.0, 1.0, 0.0], dtype=u.dtype, device=u.device)
    return centre + STRENGTH * (2 * u - 1)


def jitter(x: Tensor, factor: Tensor, order: Tensor) -> Tensor:
    """`order` [B, 4] has the four steps of each image by their place.

    The hue, which costs most, is turned once for all: three of the others may come before it, and
    three after it, and those that an image does not have there leave it as it is.
    """
    place = order.argsort(1)[:, HUE]
    for step in range(3):
        x = _blend(x, factor, order[:, step], place > step)
    x = turn_hue(x, factor[:, HUE])
    for step in range(1, 4):
        x = _blend(x, factor, order[:, step], place < step)
    return x


def _blend(x: Tensor, factor: Tensor, kind: Tensor, active: Tensor) -> Tensor:
    """Towards black, the mean grey or its own grey, or away from it."""
    amount = torch.where(active, factor.gather(1, kind[:, None])[:, 0], 1.0).float()
    grey = _grey(x)
    mean = (grey.mean((1, 2, 3), keepdim=True, dtype=torch.float64) + 0.5).floor().float()
    kind = kind.view(-1, 1, 1, 1)
    other = torch.where(kind == BRIGHTNESS, 0.0, torch.where(kind == CONTRAST, mean, grey))
    return (other + amount.view(-1, 1, 1, 1) * (x - other)).clamp_(0, 255).trunc_()


def turn_hue(x: Tensor, turn: Tensor) -> Tensor:
    """Hue by `turn` [B] of the circle, through 8 bits of hue, saturation and value."""
    high, low = x.amax(1), x.amin(1)
    spread = high - low
    red, green, blue = ((high[:, None] - x) / spread.clamp(min=1)[:, None]).double().unbind(1)
    sixths = torch.where(x[:, 1] == high, 2 + red - blue, 4 + green - red)
    sixths = torch.where(x[:, 0] == high, blue - green, sixths).float().double()
    hue = ((sixths / 6 + 1) % 1).float()  # Pillow's own precision, on which ties depend
    hue = torch.where(spread > 0, (hue.double() * 255).trunc(), 0)
    saturation = (spread / high.clamp(min=1) * 255).trunc()
    hue = (hue + (turn * 255).trunc().view(-1, 1, 1)) % 256
    return _rgb(hue, saturation, high)


def _rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """Whole numbers from 0 to 255 [B, S, S] each -> [B, 3, S, S]."""
    sector = (hue * 6 / 255).floor()
    part = (hue * 6 / 255 - sector).float().double()
    pale = (saturation / 255).double()
    shares = (1 - pale, 1 - pale * part, 1 - pale * (1 - part))
    p, q, t = ((value * share + 0.5).floor().float() for share in shares)
    v, sector = value, sector.long() % 6
    channels = ((v, q, p, p, t, v), (t, v, v, q, p, p), (p, p, t, v, v, q))  # by sector
    picked = [torch.stack(each, 1).gather(1, sector[:, None]) for each in channels]
    return torch.cat(picked, dim=1)


def _grey(x: Tensor) -> Tensor:
    """[B, 1, S, S], rounded: exact, as all of it is below 2^24."""
    red, green, blue = (x[:, place, None] for place in range(3))
    return ((19595 * red + 38470 * green + 7471 * blue + 32768) / 65536).floor_()


def _often(u: Tensor, probability: float) -> Tensor:
    return (u < probability).view(-1, 1, 1, 1)
