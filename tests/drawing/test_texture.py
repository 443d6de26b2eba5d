import torch

from sweeper.drawing.canvas import SIDE
from sweeper.drawing.texture import TEXTURES, draw_texture


def test_every_pattern_varies_except_plain() -> None:
    generator = torch.Generator().manual_seed(0)
    for index, name in enumerate(TEXTURES):
        values = draw_texture(torch.full((20,), index), generator)
        assert values.shape == (20, SIDE, SIDE)
        assert values.min() >= 0
        assert values.max() <= 1
        spread = values.std((1, 2)).mean()
        assert (spread == 0) if name == "plain" else (spread > 0.15), name


def test_rows_of_a_mixed_batch_keep_their_kind() -> None:
    kind = torch.arange(len(TEXTURES)).repeat(3)
    values = draw_texture(kind, torch.Generator().manual_seed(1))
    plain = values[kind == TEXTURES.index("plain")]
    assert plain.std() == 0
    striped = values[kind == TEXTURES.index("striped")]
    assert striped.std((1, 2)).min() > 0.2
