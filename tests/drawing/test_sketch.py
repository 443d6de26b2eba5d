import torch

from sweeper.drawing.canvas import SIDE
from sweeper.drawing.shape import shape_atlas
from sweeper.drawing.sketch import hatching, paper, pencil
from sweeper.drawing.warp import Placement


def test_a_pencilled_square_is_an_outline() -> None:
    n = 40
    placement = Placement(
        torch.zeros(n, 2), torch.full((n,), 0.8), torch.zeros(n), torch.ones(n), torch.zeros(n)
    )
    fields = shape_atlas(("square",)).expand(n, -1, -1)
    ink = pencil(fields, placement, torch.Generator().manual_seed(0)).mean(0)
    assert ink.shape == (SIDE, SIDE)
    middle = ink[12:20, 12:20].mean()
    rim = ink[4:9, 12:20].mean()
    assert middle < 0.02
    assert rim > 5 * middle
    assert rim > 0.1


def test_paper_is_light_and_hatching_is_partial() -> None:
    generator = torch.Generator().manual_seed(0)
    assert paper(20, generator).mean() > 0.8
    ink = hatching(20, generator)
    assert 0.02 < ink.mean() < 0.4
