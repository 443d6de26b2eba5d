"""Shape kinds, each a predicate over the plane, and the atlas of their distance fields.

y points down, so the tip of a triangle has a negative y. ``UNSEEN`` kinds are kept out of
pre-training: tasks use them as new objects.
"""

import functools
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sweeper.drawing.distance import fine_grid, signed_distance

Predicate = Callable[[Tensor, Tensor], Tensor]


def _polygon(*corners: tuple[float, float]) -> Predicate:
    def inside(x: Tensor, y: Tensor) -> Tensor:
        crossed = torch.zeros_like(x, dtype=torch.bool)
        for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
            if y0 != y1:
                reaches = (y0 > y) != (y1 > y)
                crossed ^= reaches & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
        return crossed

    return inside


def _disc(cx: float, cy: float, rx: float, ry: float | None = None) -> Predicate:
    height = rx if ry is None else ry
    return lambda x, y: ((x - cx) / rx).square() + ((y - cy) / height).square() < 1


def _any(*parts: Predicate) -> Predicate:
    return lambda x, y: functools.reduce(torch.logical_or, [part(x, y) for part in parts])


def _without(whole: Predicate, *holes: Predicate) -> Predicate:
    return lambda x, y: whole(x, y) & ~_any(*holes)(x, y)


def _radial(radius: Callable[[Tensor], Tensor]) -> Predicate:
    return lambda x, y: torch.hypot(x, y) < radius(torch.atan2(x, -y))


def _regular(sides: int, inner: float = 0.0) -> Predicate:
    """A regular polygon, tip up; a star when ``inner`` is its inner radius."""
    radii: Sequence[float] = (1.0, inner) if inner else (1.0,)
    count = sides * len(radii)
    angles = [2 * math.pi * step / count for step in range(count)]
    corners = [
        (radii[step % len(radii)] * math.sin(angle), -radii[step % len(radii)] * math.cos(angle))
        for step, angle in enumerate(angles)
    ]
    return _polygon(*corners)


def _box(left: float, top: float, right: float, bottom: float) -> Predicate:
    return _polygon((left, top), (right, top), (right, bottom), (left, bottom))


def _heart(x: Tensor, y: Tensor) -> Tensor:
    u, v = 1.25 * x, -1.25 * (y - 0.05)
    return (u.square() + v.square() - 1).pow(3) < u.square() * v.pow(3)


PREDICATES: dict[str, Predicate] = {
    "circle": _disc(0, 0, 0.9),
    "oval": _disc(0, 0, 1.0, 0.55),
    "square": _box(-0.75, -0.75, 0.75, 0.75),
    "rectangle": _box(-1.0, -0.5, 1.0, 0.5),
    "triangle": _polygon((0, -0.95), (0.95, 0.75), (-0.95, 0.75)),
    "diamond": _polygon((0, -1.0), (0.6, 0), (0, 1.0), (-0.6, 0)),
    "hexagon": _regular(6),
    "star": _regular(5, 0.42),
    "heart": _heart,
    "cross": _any(_box(-0.28, -0.9, 0.28, 0.9), _box(-0.9, -0.28, 0.9, 0.28)),
    "ring": _without(_disc(0, 0, 0.95), _disc(0, 0, 0.5)),
    "moon": _without(_disc(0, 0, 0.95), _disc(0.5, -0.1, 0.8)),
    "arrow": _any(
        _polygon((0, -1.0), (0.75, -0.15), (-0.75, -0.15)), _box(-0.25, -0.2, 0.25, 0.95)
    ),
    "drop": _any(_disc(0, 0.35, 0.6), _polygon((0, -1.0), (0.56, 0.15), (-0.56, 0.15))),
    "flower": _radial(lambda angle: 0.68 + 0.32 * torch.cos(5 * angle)),
    "house": _any(_polygon((0, -0.95), (1.0, -0.1), (-1.0, -0.1)), _box(-0.7, -0.12, 0.7, 0.85)),
    "tree": _any(
        _polygon((0, -1.0), (0.55, -0.2), (-0.55, -0.2)),
        _polygon((0, -0.6), (0.75, 0.45), (-0.75, 0.45)),
        _box(-0.15, 0.4, 0.15, 0.95),
    ),
    "fish": _any(_disc(-0.25, 0, 0.7, 0.45), _polygon((0.25, 0), (0.95, -0.5), (0.95, 0.5))),
    "bolt": _polygon(
        (0.25, -1.0), (-0.55, 0.15), (-0.05, 0.15), (-0.3, 1.0), (0.55, -0.25), (0.05, -0.25)
    ),
    "cloud": _any(
        _disc(-0.5, 0.15, 0.42),
        _disc(0.05, -0.15, 0.52),
        _disc(0.55, 0.15, 0.4),
        _box(-0.5, 0.1, 0.55, 0.55),
    ),
    "boat": _any(
        _polygon((-1.0, 0.25), (1.0, 0.25), (0.6, 0.8), (-0.6, 0.8)),
        _polygon((-0.05, -0.95), (-0.05, 0.15), (0.75, 0.15)),
    ),
    "hourglass": _any(
        _polygon((-0.7, -0.9), (0.7, -0.9), (0, 0.1)), _polygon((-0.7, 0.9), (0.7, 0.9), (0, -0.1))
    ),
    "mug": _any(
        _box(-0.75, -0.7, 0.35, 0.75),
        _without(_disc(0.4, 0, 0.5), _disc(0.4, 0, 0.28)),
    ),
    "mushroom": _any(
        _without(_disc(0, -0.05, 0.95, 0.85), _box(-1.1, 0.05, 1.1, 1.1)),
        _box(-0.28, 0, 0.28, 0.9),
    ),
    "bone": _any(
        _box(-0.6, -0.2, 0.6, 0.2),
        _disc(-0.65, -0.25, 0.3),
        _disc(-0.65, 0.25, 0.3),
        _disc(0.65, -0.25, 0.3),
        _disc(0.65, 0.25, 0.3),
    ),
    "crown": _polygon(
        (-0.9, 0.65), (-0.9, -0.6), (-0.42, 0.0), (0, -0.8), (0.42, 0.0), (0.9, -0.6), (0.9, 0.65)
    ),
}

UNSEEN = ("mug", "mushroom", "bone", "crown")
SEEN = tuple(kind for kind in PREDICATES if kind not in UNSEEN)

# A square turned by 45 degrees is called a diamond, so turning is limited where a name depends
# on it. Radians either way.
TURN = {"square": 0.4, "rectangle": 0.4, "diamond": 0.4, "cross": 0.4, "hourglass": 0.6}


@functools.cache
def shape_atlas(kinds: tuple[str, ...] = SEEN) -> Tensor:
    """Distance fields ``[len(kinds), GRID, GRID]`` in figure units."""
    x, y = fine_grid()
    return signed_distance(torch.stack([PREDICATES[kind](x, y) for kind in kinds]))


def largest_turn(kinds: tuple[str, ...] = SEEN) -> Tensor:
    """``[len(kinds)]`` radians by which a kind may be turned and still keep its name."""
    return torch.tensor([TURN.get(kind, math.pi) for kind in kinds])
