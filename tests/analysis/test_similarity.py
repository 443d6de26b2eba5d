from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sweeper.analysis.similarity import centred_gram, linear_cka, token_cka
from sweeper.seeds import generator


def draw(name: str, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator(0, name), dtype=torch.float64)


@pytest.mark.parametrize("unbiased", [True, False])
def test_cka_is_one_under_rotation_scaling_and_shift_of_the_columns(unbiased: bool) -> None:
    x = draw("x", 7, 3)
    rotation = torch.linalg.qr(draw("rotation", 3, 3)).Q
    y = 4 * x @ rotation + torch.tensor([1.0, -2.0, 3.0])
    assert linear_cka(x, y, unbiased=unbiased).item() == pytest.approx(1)


def test_plain_cka_of_two_columns_is_their_squared_correlation() -> None:
    # x = (1, -1, 0, 0) and y = (1, 0, -1, 0): correlation 1/2
    x, y = (torch.tensor(v)[:, None] for v in ([1.0, -1.0, 0.0, 0.0], [1.0, 0.0, -1.0, 0.0]))
    assert linear_cka(x, y, unbiased=False).item() == pytest.approx(0.25)


def test_unbiased_hsic_is_song_et_al_s_formula() -> None:
    n, x, y = 6, draw("x", 6, 2), draw("y", 6, 3)
    k, other = (part @ part.T * (1 - torch.eye(n)) for part in (x, y))
    trace, sums = (k @ other).trace(), k.sum() * other.sum() / ((n - 1) * (n - 2))
    hsic = trace + sums - 2 / (n - 2) * (k @ other).sum()
    assert (centred_gram(x) * centred_gram(y)).sum().item() == pytest.approx(hsic.item())


def test_unbiased_cka_of_unrelated_sets_is_zero_where_the_plain_one_is_not() -> None:
    prompts, patches = draw("prompts", 10, 64), draw("patches", 40, 64)
    plain = token_cka([prompts], [patches], unbiased=False).item()
    assert plain == pytest.approx((10 * 40) ** 0.5 / 64, rel=0.3)
    assert abs(token_cka([prompts], [patches]).item()) < 0.1


def test_tokens_compare_by_coordinates_whatever_their_order_and_number() -> None:
    patches, other = draw("patches", 6, 16), draw("other", 6, 16)
    doubled = torch.cat((patches.flip(0), patches))
    found = token_cka([patches, other], [doubled, other])
    assert found.diagonal().tolist() == pytest.approx([1, 1])
    assert found[0, 1].item() == pytest.approx(found[1, 0].item())
    assert found[0, 1].item() < 0.9


def test_a_set_that_does_not_vary_has_no_similarity() -> None:
    assert token_cka([torch.zeros(2, 8)], [draw("patches", 5, 8)]).item() == 0


def test_the_unbiased_estimator_asks_for_four_examples() -> None:
    with pytest.raises(ValueError, match="more than 3"):
        linear_cka(draw("x", 3, 2), draw("y", 3, 2))
