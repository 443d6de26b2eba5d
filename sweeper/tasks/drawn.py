"""The embedded tasks: images drawn on the spot, the same on every machine and every time.

``shapes`` is drawn as in pre-training; the others show known things in ways that the embedded
backbone has never seen. Every split has a seed of its own, derived from the names of task and
split.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from sweeper import seeds
from sweeper.drawing.canvas import choice, to_uint8, uniform
from sweeper.drawing.caption import NUMBERS
from sweeper.drawing.layout import MOST, POSITIONS, cell_centre, scatter
from sweeper.drawing.lens import expose
from sweeper.drawing.scene import coverage, draw_single, mix
from sweeper.drawing.shape import SEEN, UNSEEN, shape_atlas
from sweeper.drawing.sketch import blotches, hatching, paper, pencil
from sweeper.drawing.texture import TEXTURES, draw_texture
from sweeper.drawing.warp import Placement, elastic, place
from sweeper.tasks.digits import SIZES as DIGITS
from sweeper.tasks.digits import draw_digits
from sweeper.tasks.listing import Listing, Pictures

Splits = dict[str, tuple[Tensor, Tensor]]
DRAWING = "drawn-1"  # pictures that come out differently are new data: count this up
SIZES = {"train": 1200, "val": 400, "test": 1000}
PATTERNED = TEXTURES[1:]  # all but "plain"


def _splits(name: str, draw: Callable[[int, torch.Generator], tuple[Tensor, Tensor]]) -> Splits:
    return {split: draw(n, seeds.generator(0, name, split)) for split, n in SIZES.items()}


def _any_colour(n: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two unnamed colours ``[n, 3]``, one dark and one light, either way round."""
    dark, light = torch.rand(n, 3, generator=g) * 0.5, 1 - torch.rand(n, 3, generator=g) * 0.5
    swap = (torch.rand(n, generator=g) < 0.5)[:, None]
    return torch.where(swap, dark, light), torch.where(swap, light, dark)


def _free(n: int, size: Tensor, g: torch.Generator) -> Placement:
    """Single figures of the given size, anywhere on the canvas, slightly turned."""
    centre = uniform(2 * n, -1, 1, g).view(n, 2) * (1.0 - size).clamp(min=0)[:, None]
    aspect = uniform(n, -0.15, 0.15, g).exp()
    return Placement(centre, size, uniform(n, -0.3, 0.3, g), aspect, uniform(n, -0.15, 0.15, g))


def draw_shapes() -> Splits:
    """Large single figures from the pre-training renderer, drawn with seeds it did not use."""

    def draw(n: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
        drawing = draw_single(n, g, large_share=1.0, arrows=0.0)
        return drawing.images, drawing.labels["shape"]

    return _splits("shapes", draw)


def draw_sketches() -> Splits:
    """The same kinds as ``shapes``, pencilled on paper."""

    def draw(n: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
        kind = choice(n, len(SEEN), g)
        ink = pencil(shape_atlas()[kind], _free(n, uniform(n, 0.55, 0.85, g), g), g)
        lead = uniform(n, 0.1, 0.35, g).view(-1, 1, 1, 1)
        sheet = paper(n, g)
        return to_uint8(sheet + ink[:, None] * (lead - sheet)), kind

    return _splits("sketches", draw)


def draw_textures() -> Splits:
    """Known patterns in unnamed colours, warped, under uneven light and pencil hatching."""

    def draw(n: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
        label = choice(n, len(PATTERNED), g)
        kind = label + 1
        bend = elastic(uniform(n, 0.05, 0.16, g), g)
        first, second = _any_colour(n, g)
        images = mix(draw_texture(kind, g, 0.25, bend), first, second)
        light = (blotches(n, 3, g) * 1.2 + 0.3)[:, None]
        scratches = hatching(n, g)[:, None] * 0.5
        return to_uint8(expose(images * light * (1 - scratches), g)), label

    return _splits("textures", draw)


def draw_counting() -> Splits:
    """One to eight objects of new kinds and unnamed colours on blotched ground."""

    def draw(n: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
        count = choice(n, MOST, g) + 1
        canvas, centre, size = scatter(count, g, 0.95)
        figures = len(canvas)
        kind = choice(figures, len(UNSEEN), g)
        turn = uniform(figures, -math.pi, math.pi, g)
        placement = Placement(
            centre, size, turn, uniform(figures, -0.2, 0.2, g).exp(), torch.zeros(figures)
        )
        share = coverage(place(shape_atlas(UNSEEN)[kind], placement))[:, None]
        figure, ground = _any_colour(n, g)
        tint = (figure[canvas] + torch.randn(figures, 3, generator=g) * 0.08).clamp(0, 1)
        paint = tint[:, :, None, None] * share
        total = torch.zeros(n, 4, *share.shape[-2:])
        total.index_add_(0, canvas, torch.cat((paint, share), 1))
        light = (blotches(n, 4, g) * 1.0 + 0.5)[:, None]
        images = ground[:, :, None, None] * light * (1 - total[:, 3:].clamp(max=1)) + total[:, :3]
        return to_uint8(expose(images, g)), count - 1

    return _splits("counting", draw)


def draw_positions() -> Splits:
    """An object of a new kind and an unnamed colour in one of nine cells, on busy ground."""

    def draw(n: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
        cell = choice(n, len(POSITIONS), g)
        kind = choice(n, len(UNSEEN), g)
        placement = Placement(
            cell_centre(cell, g), uniform(n, 0.26, 0.4, g), uniform(n, -math.pi, math.pi, g),
            uniform(n, -0.2, 0.2, g).exp(), torch.zeros(n),
        )  # fmt: skip
        share = coverage(place(shape_atlas(UNSEEN)[kind], placement))[:, None]
        pattern = draw_texture(choice(n, len(PATTERNED), g) + 1, g)
        ground = mix(pattern, *_any_colour(n, g))
        paint = torch.rand(n, 3, 1, 1, generator=g)
        return to_uint8(expose(ground + share * (paint - ground), g)), cell

    return _splits("positions", draw)


@dataclass(frozen=True)
class DrawnTask:
    """A task without files: ``draw`` returns images uint8 ``[n, 3, 32, 32]`` and labels ``[n]``.

    ``template`` has one ``{}`` for the class name; ``sizes`` are what ``draw`` will return.
    """

    name: str
    classes: tuple[str, ...]
    template: str
    description: str
    draw: Callable[[], Splits]
    sizes: dict[str, int] = field(default_factory=SIZES.copy)

    def listing(self) -> Listing:
        """Its images as those of any other task."""
        drawn = self.draw().items()
        splits = {split: self._pictures(split, *found) for split, found in drawn}
        return Listing(self.classes, splits, rule="drawn", identity=f"{self.name} {DRAWING}")

    def _pictures(self, split: str, images: Tensor, labels: Tensor) -> Pictures:
        name = f"task '{self.name}', image {{}} of {split}".format
        return Pictures(labels.tolist(), name, images.__getitem__)


DRAWN: dict[str, DrawnTask] = {
    task.name: task
    for task in (
        DrawnTask(
            "shapes", SEEN, "This is a photo of a {}",
            "large single figures, drawn as in pre-training", draw_shapes,
        ),
        DrawnTask(
            "digits", NUMBERS, "This is a photo of a {}",
            "handwritten digits, scikit-learn's scans", draw_digits,
            DIGITS,
        ),
        DrawnTask(
            "sketches", SEEN, "This is a photo of a {}",
            "the same figures pencilled on paper", draw_sketches,
        ),
        DrawnTask(
            "textures", PATTERNED, "This is a photo of a {} texture",
            "known patterns, warped and hatched, in unnamed colours", draw_textures,
        ),
        DrawnTask(
            "counting", NUMBERS[1 : MOST + 1], "This is a photo of {} objects",
            "one to eight objects of new kinds", draw_counting,
        ),
        DrawnTask(
            "positions", POSITIONS, "This is a photo of an object in the {}",
            "an object of a new kind on busy ground, in one of nine cells", draw_positions,
        ),
    )
}  # fmt: skip
