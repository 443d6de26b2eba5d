import torch

from sweeper.drawing.glyph import FONTS, glyph_atlas


def test_atlas_holds_each_character_in_each_font() -> None:
    atlas = glyph_atlas("18")
    assert atlas.shape[:2] == (2, len(FONTS))
    inside = (atlas < 0).float().mean((2, 3))
    assert inside.min() > 0.02
    assert (inside[1] > inside[0]).float().mean() > 0.8  # an eight needs more ink than a one


def test_one_is_narrower_than_it_is_tall() -> None:
    inside = glyph_atlas("1")[0] < 0
    width = inside.any(1).sum(-1)
    height = inside.any(2).sum(-1)
    assert torch.all(height > width)
