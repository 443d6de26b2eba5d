import math

import torch

from sweeper.drawing.canvas import PIXEL, coordinates
from sweeper.drawing.shape import shape_atlas
from sweeper.drawing.warp import Placement, elastic, place


def _place(kind: str, x: float, y: float, size: float, angle: float) -> torch.Tensor:
    placement = Placement(
        torch.tensor([[x, y]]), torch.tensor([size]), torch.tensor([angle]),
        torch.ones(1), torch.zeros(1),
    )  # fmt: skip
    return place(shape_atlas((kind,)), placement)[0]


def test_a_placed_circle_has_its_centre_and_its_size() -> None:
    distance = _place("circle", 0.3, -0.2, 0.5, 0.0)
    x, y = coordinates().unbind(-1)
    expected = torch.hypot(x - 0.3, y + 0.2) - 0.9 * 0.5
    near = expected < 0.2
    assert (distance - expected)[near].abs().max() < PIXEL


def test_a_quarter_turn_makes_the_up_arrow_point_right() -> None:
    inside = _place("arrow", 0.0, 0.0, 0.9, math.pi / 2) < 0
    columns = inside.sum(0)
    assert int(columns.argmax()) > 16


def test_elastic_strength_is_in_canvas_units() -> None:
    bend = elastic(torch.tensor([0.0, 0.1]), torch.Generator().manual_seed(0))
    assert bend[0].abs().max() == 0
    assert 0.03 < bend[1].std() < 0.2
