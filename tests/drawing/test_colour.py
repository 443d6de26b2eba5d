import torch

from sweeper.drawing.colour import CENTRES, COLOURS, CONTRAST, contrasting, shade


def test_contrasting_colours_are_far_apart() -> None:
    generator = torch.Generator().manual_seed(0)
    colour = torch.arange(len(COLOURS)).repeat(50)
    other = contrasting(colour, generator)
    assert (CENTRES[colour] - CENTRES[other]).square().sum(1).min() > CONTRAST


def test_shades_stay_near_their_colour() -> None:
    colour = torch.arange(len(COLOURS)).repeat(100)
    shades = shade(colour, torch.Generator().manual_seed(0))
    nearest = torch.cdist(shades, CENTRES).argmin(1)
    assert (nearest == colour).float().mean() > 0.97
