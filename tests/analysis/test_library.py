from __future__ import annotations

import torch

from sweeper.analysis.library import top_images

# [M = 3, p = 2, N = 2]
WEIGHTS = torch.tensor(
    [
        [[0.9, 0.1], [0.2, 0.8]],
        [[0.3, 0.7], [0.5, 0.5]],
        [[0.1, 0.9], [0.6, 0.4]],
    ]
)


def test_tops_are_by_the_highest_weight_over_prompts() -> None:
    images, weights = top_images(WEIGHTS, 2)
    assert images.tolist() == [[0, 2], [2, 0]]
    torch.testing.assert_close(weights, torch.tensor([[0.9, 0.6], [0.9, 0.8]]))


def test_fewer_images_than_asked_for_are_all_given_and_ties_keep_their_order() -> None:
    images, weights = top_images(torch.full((3, 1, 2), 0.5), 4)
    assert images.tolist() == [[0, 1, 2], [0, 1, 2]]
    assert weights.shape == (2, 3)
