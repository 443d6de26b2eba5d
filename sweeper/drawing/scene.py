"""Scenes: random images together with what is in them.

Four families: one figure, several figures, a texture, a glyph. Labels are indices into the value
tables of ``sweeper.drawing.caption``; -1 where an attribute does not apply or is ambiguous.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sweeper.drawing.canvas import PIXEL, SIDE, chance, choice, to_uint8, uniform
from sweeper.drawing.colour import COLOURS, contrasting, shade
from sweeper.drawing.glyph import DIGITS, FONTS, LETTERS, glyph_atlas
from sweeper.drawing.layout import MOST, POSITIONS, cell_centre, scatter
from sweeper.drawing.lens import RESOLUTIONS, expose, look
from sweeper.drawing.shape import SEEN, largest_turn, shape_atlas
from sweeper.drawing.texture import TEXTURES, draw_texture
from sweeper.drawing.warp import Placement, elastic, place

ATTRIBUTES = (
    "shape", "colour", "ground", "texture", "count", "position", "direction", "digit", "letter",
    "large",
)  # fmt: skip
ARROW = SEEN.index("arrow")
PLAIN = TEXTURES.index("plain")


@dataclass(frozen=True)
class Drawing:
    """Images uint8 ``[n, 3, SIDE, SIDE]`` and, per attribute, labels ``[n]`` (-1: none)."""

    images: Tensor
    labels: dict[str, Tensor]


def coverage(distance: Tensor) -> Tensor:
    """Anti-aliased share of each pixel inside a figure, from distances in canvas units."""
    return (0.5 - distance / PIXEL).clamp(0, 1)


def mix(amount: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Images ``[n, 3, H, W]``: colours ``[n, 3]`` blended by ``amount`` ``[n, H, W]``."""
    return first[:, :, None, None] + amount[:, None] * (second - first)[:, :, None, None]


def _labels(n: int, **known: Tensor) -> dict[str, Tensor]:
    return {name: known.get(name, torch.full((n,), -1)) for name in ATTRIBUTES}


def _ground(colour: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Backgrounds: plain, or with probability ``share`` a faint texture."""
    n = len(colour)
    base = shade(colour, generator)
    other = shade(colour, generator, 0.14)
    kind = torch.where(chance(n, share, generator), choice(n, len(TEXTURES), generator), PLAIN)
    return mix(draw_texture(kind, generator), base, other)


def _finish(images: Tensor, generator: torch.Generator, coarse: float = 0.15) -> Tensor:
    n = len(images)
    sigma = uniform(n, 0.0, 0.8, generator)
    full = len(RESOLUTIONS) - 1
    low = choice(n, full - 3, generator) + 3
    resolution = torch.where(chance(n, coarse, generator), low, full)
    return to_uint8(expose(look(images, sigma, resolution), generator))


def _turns(kind: Tensor, generator: torch.Generator) -> Tensor:
    """Mostly upright, sometimes turned as far as the kind's name allows."""
    n = len(kind)
    most = largest_turn()[kind]
    spread = torch.where(chance(n, 0.3, generator), most, most.clamp(max=0.35))
    return uniform(n, -1, 1, generator) * spread


def _outline(distance: Tensor, probability: float, size: Tensor, g: torch.Generator) -> Tensor:
    """Distances with some figures replaced by their outlines."""
    n = len(distance)
    width = (uniform(n, 0.05, 0.12, g) * (0.5 + size))[:, None, None]
    hollow = chance(n, probability, g)[:, None, None]
    return torch.where(hollow, (distance + width).abs() - width, distance)


def draw_single(
    n: int, g: torch.Generator, *, large_share: float = 0.6, arrows: float = 0.15
) -> Drawing:
    """One figure, large anywhere or small in a named cell; extra arrows, as they point."""
    kind = torch.where(chance(n, arrows, g), ARROW, choice(n, len(SEEN), g))
    colour = choice(n, len(COLOURS), g)
    ground = contrasting(colour, g)
    large = chance(n, large_share, g)
    position = choice(n, len(POSITIONS), g)
    size = torch.where(large, uniform(n, 0.5, 0.9, g), uniform(n, 0.24, 0.38, g))
    spot = uniform(2 * n, -1, 1, g).view(n, 2) * (1.05 - size)[:, None].clamp(min=0)
    centre = torch.where(large[:, None], spot, cell_centre(position, g))
    direction = choice(n, 4, g)
    angle = _turns(kind, g)
    pointed = direction * (math.pi / 2) + uniform(n, -0.35, 0.35, g)
    angle = torch.where(kind == ARROW, pointed, angle)
    round_kinds = torch.tensor([SEEN.index(k) for k in ("circle", "square", "oval", "rectangle")])
    aspect = uniform(n, -1, 1, g).mul(0.25).exp()
    aspect = torch.where(torch.isin(kind, round_kinds), aspect.pow(0.2), aspect)
    placement = Placement(centre, size, angle, aspect, uniform(n, -0.2, 0.2, g))
    bend = elastic(uniform(n, 0, 0.05, g), g)
    distance = _outline(place(shape_atlas()[kind], placement, bend), 0.15, size, g)
    texture = torch.where(chance(n, 0.35, g), choice(n, len(TEXTURES), g), PLAIN)
    paint = shade(colour, g)
    fill = mix(draw_texture(texture, g), paint, (paint * uniform(n, 0.5, 0.8, g)[:, None]))
    share = coverage(distance)[:, None]
    images = _ground(ground, 0.3, g) * (1 - share) + fill * share
    labels = _labels(
        n,
        shape=kind,
        colour=colour,
        ground=ground,
        position=torch.where(large, -1, position),
        direction=torch.where(kind == ARROW, direction, -1),
        large=large.long(),
    )
    return Drawing(_finish(images, g), labels)


def draw_several(n: int, g: torch.Generator) -> Drawing:
    """One to eight small figures; half of the canvases repeat one kind, half one colour."""
    count = choice(n, MOST, g) + 1
    canvas, centre, size = scatter(count, g)
    figures = len(canvas)
    one_kind, one_colour = chance(n, 0.6, g), chance(n, 0.6, g)
    kind, ground = choice(n, len(SEEN), g), choice(n, len(COLOURS), g)
    colour = contrasting(ground, g)
    kinds = torch.where(one_kind[canvas], kind[canvas], choice(figures, len(SEEN), g))
    colours = torch.where(one_colour[canvas], colour[canvas], contrasting(ground[canvas], g))
    aspect = uniform(figures, -0.2, 0.2, g).exp()
    zero = torch.zeros(figures)
    placement = Placement(centre, size, _turns(kinds, g), aspect, zero)
    distance = _outline(place(shape_atlas()[kinds], placement), 0.1, size, g)
    share = coverage(distance)[:, None]
    paint = shade(colours, g)[:, :, None, None] * share
    total = torch.zeros(n, 4, SIDE, SIDE).index_add_(0, canvas, torch.cat((paint, share), 1))
    covered = total[:, 3:].clamp(max=1)
    images = _ground(ground, 0.2, g) * (1 - covered) + total[:, :3]
    labels = _labels(
        n,
        shape=torch.where(one_kind, kind, -1),
        colour=torch.where(one_colour, colour, -1),
        ground=ground,
        count=count - 1,
    )
    return Drawing(_finish(images, g, 0.05), labels)


def draw_surface(n: int, g: torch.Generator) -> Drawing:
    """A texture all over the canvas, in two colours; plain ones are of one colour."""
    texture = choice(n, len(TEXTURES), g)
    colour = choice(n, len(COLOURS), g)
    ground = contrasting(colour, g)
    bend = elastic(uniform(n, 0, 0.06, g), g)
    images = mix(draw_texture(texture, g, 0.25, bend), shade(colour, g), shade(ground, g))
    plain = texture == PLAIN
    labels = _labels(
        n,
        texture=texture,
        colour=torch.where(plain, colour, -1),
        ground=torch.where(plain, -1, ground),
    )
    return Drawing(_finish(images, g, 0.05), labels)


def draw_glyph(n: int, g: torch.Generator) -> Drawing:
    """A digit or a letter in a random font, slanted, bent, thick or thin, often in few pixels."""
    is_digit = chance(n, 0.75, g)
    digit, letter = choice(n, len(DIGITS), g), choice(n, len(LETTERS), g)
    font = choice(n, len(FONTS), g)
    digits, letters = glyph_atlas(DIGITS)[digit, font], glyph_atlas(LETTERS)[letter, font]
    fields = torch.where(is_digit[:, None, None], digits, letters)
    size = uniform(n, 0.6, 1.1, g)
    spot = uniform(2 * n, -1, 1, g).view(n, 2) * (1.1 - size)[:, None].clamp(min=0.05) * 0.6
    angle = torch.randn(n, generator=g) * 0.15
    aspect = uniform(n, -0.3, 0.5, g).exp()
    placement = Placement(spot, size, angle, aspect, torch.randn(n, generator=g) * 0.25)
    distance = place(fields, placement, elastic(uniform(n, 0, 0.13, g), g))
    thicken = uniform(n, -0.02, 0.1, g)[:, None, None]
    colour = choice(n, len(COLOURS), g)
    ground = contrasting(colour, g)
    share = coverage(distance - thicken)[:, None]
    images = _ground(ground, 0.15, g) * (1 - share) + shade(colour, g)[:, :, None, None] * share
    sigma = uniform(n, 0, 1.6, g)
    resolution = torch.where(chance(n, 0.5, g), choice(n, 3, g), len(RESOLUTIONS) - 1)
    images = to_uint8(expose(look(images, sigma, resolution), g))
    labels = _labels(
        n,
        colour=colour,
        ground=ground,
        digit=torch.where(is_digit, digit, -1),
        letter=torch.where(is_digit, -1, letter),
    )
    return Drawing(images, labels)


Family = Callable[[int, torch.Generator], Drawing]

# The other families share what single figures leave, in these proportions.
OTHERS: dict[Family, int] = {draw_several: 22, draw_surface: 12, draw_glyph: 28}


def draw_scenes(n: int, generator: torch.Generator, single: float = 0.38) -> Drawing:
    """``n`` scenes in random order, ``single`` being the share of those with one figure."""
    amounts: dict[Family, int] = {draw_single: round(n * single)}
    rest = n - amounts[draw_single]
    for family, part in OTHERS.items():
        amounts[family] = round(rest * part / sum(OTHERS.values()))
    amounts[draw_glyph] += n - sum(amounts.values())
    parts = [family(amount, generator) for family, amount in amounts.items()]
    order = torch.randperm(n, generator=generator)
    images = torch.cat([part.images for part in parts])[order]
    labels = {name: torch.cat([p.labels[name] for p in parts])[order] for name in ATTRIBUTES}
    return Drawing(images, labels)
