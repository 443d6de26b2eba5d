"""Textures: patterns over the plane with values in [0, 1], to be read as a mix of two colours."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from sweeper.drawing.canvas import coordinates, uniform

Pattern = Callable[[Tensor, Tensor], Tensor]
Noise = Callable[[torch.Size, torch.Generator], Tensor]


def _edge(level: Tensor, sharpness: float = 4.0) -> Tensor:
    """A soft step: 0 well below zero, 1 well above."""
    return (0.5 + sharpness * level).clamp(0, 1)


def _wave(t: Tensor) -> Tensor:
    return torch.sin(2 * math.pi * t)


def _triangle(t: Tensor) -> Tensor:
    return 2 * ((t % 1) - 0.5).abs()


def _cell(u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Offsets from the centre of the unit cell."""
    return (u % 1) - 0.5, (v % 1) - 0.5


def _bumps(size: torch.Size, side: int, generator: torch.Generator) -> Tensor:
    coarse = torch.rand(size[0], 1, side, side, generator=generator)
    fine = list(size[-2:])
    return torch.nn.functional.interpolate(coarse, fine, mode="bicubic", align_corners=False)[:, 0]


def _clouds(size: torch.Size, generator: torch.Generator) -> Tensor:
    blotches = _bumps(size, 5, generator) * 0.7 + _bumps(size, 10, generator) * 0.3
    return _edge(blotches - 0.5, 3.0)


def _bricks(u: Tensor, v: Tensor) -> Tensor:
    shifted = 0.5 * u + 0.5 * (v.floor() % 2)
    a, b = _cell(shifted, v)
    return _edge(torch.minimum(0.5 - a.abs() - 0.07, 0.5 - b.abs() - 0.13))


def _scales(u: Tensor, v: Tensor) -> Tensor:
    a, b = _cell(u + 0.5 * (v.floor() % 2), v)
    return _edge((torch.hypot(a, b + 0.5) - 0.55).abs() - 0.12)


def _gradient(u: Tensor, _v: Tensor) -> Tensor:
    low = u.amin((-1, -2), keepdim=True)
    return (u - low) / (u.amax((-1, -2), keepdim=True) - low)


def _grid(u: Tensor, v: Tensor) -> Tensor:
    a, b = _cell(u, v)
    return _edge(torch.minimum(a.abs(), b.abs()) - 0.13)


# u, v are pattern coordinates: turned, moved and stretched so that one period is one unit.
REGULAR: dict[str, Pattern] = {
    "plain": lambda u, _v: torch.zeros_like(u),
    "striped": lambda u, _v: _edge(_wave(u), 2.0),
    "dotted": lambda u, v: _edge(0.32 - torch.hypot(*_cell(u, v))),
    "chequered": lambda u, v: _edge(_wave(u / 2) * _wave(v / 2), 4.0),
    "grid": _grid,
    "zigzag": lambda u, v: _edge(_wave(v + 0.9 * _triangle(u / 2)), 2.0),
    "wavy": lambda u, v: _edge(_wave(v + 0.3 * _wave(u / 2)), 2.0),
    "ringed": lambda u, v: _edge(_wave(torch.hypot(u, v)), 2.0),
    "spoked": lambda u, v: _edge(torch.sin(8 * torch.atan2(v, u)), 2.0),
    "bricked": _bricks,
    "scaly": _scales,
    "gradient": _gradient,
}
IRREGULAR: dict[str, Noise] = {
    "speckled": lambda size, generator: torch.rand(size, generator=generator),
    "cloudy": _clouds,
}
TEXTURES = (*REGULAR, *IRREGULAR)
CENTRED = ("ringed", "spoked")


def pattern_coordinates(
    period: Tensor, angle: Tensor, shift: Tensor, bend: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """u, v ``[n, H, W]`` for periods ``[n]`` (canvas units), angles ``[n]``, shifts ``[n, 2]``.

    ``bend`` ``[n, H, W, 2]`` displaces the canvas first, for warped textures.
    """
    grid = coordinates()[None].expand(len(period), -1, -1, -1)
    grid = grid if bend is None else grid + bend
    x, y = grid[..., 0], grid[..., 1]
    cosine, sine = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    scale = 1 / period[:, None, None]
    u = (x * cosine + y * sine) * scale + shift[:, 0, None, None]
    v = (y * cosine - x * sine) * scale + shift[:, 1, None, None]
    return u, v


def draw_texture(
    kind: Tensor, generator: torch.Generator, finest: float = 0.2, bend: Tensor | None = None
) -> Tensor:
    """Patterns ``[n, SIDE, SIDE]`` in [0, 1] for kinds ``[n]`` (index into ``TEXTURES``).

    ``finest`` is the shortest period in canvas units; the longest is 0.7.
    """
    n = len(kind)
    period = uniform(n, finest, 0.7, generator)
    angle = uniform(n, 0, 2 * math.pi, generator)
    shift = torch.rand(n, 2, generator=generator)
    for name in CENTRED:
        shift[kind == TEXTURES.index(name)] *= 0.4
    u, v = pattern_coordinates(period, angle, shift, bend)
    mix = torch.zeros_like(u)
    for index, name in enumerate(TEXTURES):
        rows = (kind == index).nonzero()[:, 0]
        if not len(rows):
            continue
        if name in REGULAR:
            values = REGULAR[name](u[rows], v[rows])
        else:
            values = IRREGULAR[name](u[rows].shape, generator)
        mix[rows] = values.clamp(0, 1)
    return mix
