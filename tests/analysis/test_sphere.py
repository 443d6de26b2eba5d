from __future__ import annotations

import pytest
import torch

from sweeper.analysis.sphere import on_sphere, own_and_other
from sweeper.seeds import generator


def test_three_dimensions_are_kept_up_to_a_rotation_and_the_length() -> None:
    draw = generator(0, "sphere")
    inside = torch.randn(9, 3, generator=draw, dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(5, 3, generator=draw, dtype=torch.float64))[0]
    images, texts = (7 * inside[:6]) @ turn.T, inside[6:] @ turn.T
    first, second, kept = on_sphere(images, texts)
    assert kept == pytest.approx(1)
    unit = torch.nn.functional.normalize(inside, dim=-1)
    found = torch.cat((first, second))
    torch.testing.assert_close(found @ found.T, unit @ unit.T)


def test_what_lies_outside_of_three_dimensions_is_said() -> None:
    first, second, kept = on_sphere(torch.eye(4)[:2], torch.eye(4)[2:])
    assert kept == pytest.approx(0.75)
    assert first.shape == (2, 3)
    assert second.shape == (2, 3)


def test_images_and_texts_weigh_the_same_whatever_their_number() -> None:
    images, texts = torch.eye(4)[:1].repeat(50, 1), torch.eye(4)[1:2]
    assert on_sphere(images, texts)[2] == pytest.approx(1)
    first, second, _ = on_sphere(images, texts)
    torch.testing.assert_close((first[0] * second[0]).sum(), torch.tensor(0.0).double())


def test_cosines_by_hand() -> None:
    images = torch.tensor([[2.0, 0.0], [0.0, 3.0]])
    texts = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    own, other = own_and_other(images, torch.tensor([0, 1]), texts)
    assert own == pytest.approx((1 + 0.5**0.5) / 2)
    assert other == pytest.approx((0.5**0.5 + 0) / 2)
