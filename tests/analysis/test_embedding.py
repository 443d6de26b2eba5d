from __future__ import annotations

import torch

from sweeper.analysis.embedding import neighbours_alike, plane
from sweeper.seeds import generator


def test_neighbours_are_counted_by_hand() -> None:
    line = torch.tensor([[0.0], [1.0], [1.9], [10.0]])
    assert neighbours_alike(line, torch.tensor([0, 0, 1, 1])) == 0.5  # 1 and 1.9 are nearest
    assert neighbours_alike(line, torch.tensor([0, 1, 0, 1])) == 0.0


def test_groups_far_apart_stay_apart_in_the_plane_and_it_repeats_itself() -> None:
    kinds = torch.arange(30) % 2
    noise = 0.1 * torch.randn(30, 5, generator=generator(0, "noise"))
    features = 20 * kinds[:, None] + noise
    made = plane(features, seed=1)
    assert made.shape == (30, 2)
    assert neighbours_alike(made, kinds) == 1.0
    assert torch.equal(plane(features, seed=1), made)
