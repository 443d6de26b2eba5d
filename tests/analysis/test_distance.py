from __future__ import annotations

import pytest
import torch

from sweeper.analysis.distance import frechet, token_distance
from sweeper.seeds import generator


def cloud(*names: str, count: int = 40, width: int = 3) -> torch.Tensor:
    return torch.randn(count, width, generator=generator(0, *names), dtype=torch.float64)


def test_a_set_is_at_no_distance_from_itself() -> None:
    assert frechet(cloud("a"), cloud("a")) == pytest.approx(0, abs=1e-9)


def test_a_shift_alone_costs_its_squared_length() -> None:
    shift = torch.tensor([3.0, 4.0, 0.0], dtype=torch.float64)
    assert frechet(cloud("a"), cloud("a") + shift) == pytest.approx(25)


def test_in_one_dimension_it_is_that_of_means_and_deviations() -> None:
    first, second = cloud("a", width=1), 5 + 2.5 * cloud("b", width=1)
    expected = (first.mean() - second.mean()) ** 2 + (first.std() - second.std()) ** 2
    assert frechet(first, second) == pytest.approx(expected.item())


def test_spreads_that_share_no_axes_have_the_matrix_root() -> None:
    from scipy.linalg import sqrtm

    first = cloud("a") @ torch.tensor([[2.0, 1, 0], [0, 1, 0], [0, 0, 0.5]], dtype=torch.float64)
    second = cloud("b") @ torch.tensor([[1.0, 0, 0], [0, 2, 1], [1, 0, 1]], dtype=torch.float64)
    covariances = [torch.cov(part.T).numpy() for part in (first, second)]
    root = sqrtm(covariances[0] @ covariances[1]).real
    between = (first.mean(0) - second.mean(0)).square().sum().item()
    expected = between + (covariances[0] + covariances[1] - 2 * root).trace()
    assert frechet(first, second) == pytest.approx(expected)


def test_fewer_images_than_features_give_a_finite_distance() -> None:
    assert 0 < frechet(cloud("a", count=4, width=9), cloud("b", count=5, width=9)) < 100


def test_tokens_are_compared_by_direction_and_place() -> None:
    one = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])  # an image of two tokens
    turned = torch.tensor([[[0.0, 5.0], [0.0, 7.0]]])  # the first at a right angle: |u - v|^2 = 2
    against = torch.tensor([[[-3.0, 0.0], [0.0, -1.0]]])  # both opposite: 4
    assert token_distance([one], [turned]).tolist() == pytest.approx([1.0])
    assert token_distance([one, one], [turned, against]).tolist() == pytest.approx([2.5])
