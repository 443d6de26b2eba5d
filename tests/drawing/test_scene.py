import torch

from sweeper.drawing.canvas import SIDE
from sweeper.drawing.caption import VALUES
from sweeper.drawing.scene import ATTRIBUTES, draw_scenes, draw_several, draw_single, draw_surface


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_scenes_are_determined_by_their_generator_alone() -> None:
    torch.manual_seed(1)
    first = draw_scenes(64, _generator())
    torch.manual_seed(2)
    second = draw_scenes(64, _generator())
    other = draw_scenes(64, _generator(1))
    assert torch.equal(first.images, second.images)
    assert all(torch.equal(first.labels[n], second.labels[n]) for n in ATTRIBUTES)
    assert not torch.equal(first.images, other.images)


def test_every_value_of_every_attribute_is_drawn() -> None:
    drawing = draw_scenes(2000, _generator())
    assert drawing.images.shape == (2000, 3, SIDE, SIDE)
    assert drawing.images.dtype == torch.uint8
    for name, values in VALUES.items():
        assert set(drawing.labels[name].tolist()) == {-1, *range(len(values))}, name


def test_more_objects_differ_more_from_the_ground() -> None:
    drawing = draw_several(600, _generator())
    images = drawing.images.float() / 255
    middle = images.flatten(2).median(-1).values[:, :, None, None]
    marked = ((images - middle).square().sum(1) > 0.1).float().mean((1, 2))
    count = drawing.labels["count"]
    assert marked[count == 7].mean() > 2 * marked[count == 0].mean()


def test_a_small_figure_is_in_the_cell_it_is_said_to_be_in() -> None:
    drawing = draw_single(800, _generator())
    images = drawing.images.float() / 255
    edge = torch.cat((images[:, :, 0], images[:, :, -1]), -1).median(-1).values
    off = (images - edge[:, :, None, None]).square().sum(1)
    weight = off * (off > 0.3)
    line = torch.arange(SIDE).float()
    x = (weight.sum(1) * line).sum(1) / weight.sum((1, 2))
    left, right = (torch.isin(drawing.labels["position"], torch.tensor(c)) for c in ([3], [5]))
    assert x[left].nanmedian() < 11
    assert x[right].nanmedian() > 21


def test_plain_surfaces_name_one_colour_and_patterned_ones_none() -> None:
    labels = draw_surface(300, _generator()).labels
    plain = labels["texture"] == 0
    assert (labels["colour"][plain] >= 0).all()
    assert (labels["colour"][~plain] == -1).all()
