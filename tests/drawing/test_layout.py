import torch

from sweeper.drawing.layout import MOST, POSITIONS, cell_centre, scatter


def test_scatter_gives_each_canvas_its_count_without_touching() -> None:
    count = torch.arange(MOST).repeat(30) + 1
    canvas, centre, size = scatter(count, torch.Generator().manual_seed(0))
    assert torch.equal(torch.bincount(canvas), count)
    assert (centre.abs() + size[:, None]).max() <= 1 + 1e-5
    gap = (centre[:, None] - centre[None]).abs().amax(-1) - (size[:, None] + size[None])
    together = (canvas[:, None] == canvas[None]) & ~torch.eye(len(canvas), dtype=torch.bool)
    assert gap[together].min() >= -1e-5


def test_cells_lie_where_their_names_say() -> None:
    cell = torch.arange(len(POSITIONS))
    centre = cell_centre(cell, torch.Generator().manual_seed(0))
    for name, (x, y) in zip(POSITIONS, centre.tolist(), strict=True):
        assert ("left" in name) == (x < -0.33), name
        assert ("right" in name) == (x > 0.33), name
        assert ("top" in name) == (y < -0.33), name
        assert ("bottom" in name) == (y > 0.33), name
