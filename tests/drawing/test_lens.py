import torch

from sweeper.drawing.canvas import SIDE
from sweeper.drawing.lens import RESOLUTIONS, look


def test_a_sharp_look_at_full_resolution_changes_nothing() -> None:
    images = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    full = torch.full((2,), len(RESOLUTIONS) - 1)
    torch.testing.assert_close(look(images, torch.zeros(2), full), images)


def test_blur_and_few_pixels_keep_the_mean_of_an_even_image_and_lose_detail() -> None:
    even = torch.full((1, 3, SIDE, SIDE), 0.3)
    lowest, sigma = torch.zeros(1, dtype=torch.long), torch.ones(1)
    torch.testing.assert_close(look(even, sigma, lowest), even)
    board = ((torch.arange(SIDE)[:, None] + torch.arange(SIDE)) % 2).float().expand(1, 3, -1, -1)
    assert look(board, torch.zeros(1), lowest).std() < 0.1 * board.std()
