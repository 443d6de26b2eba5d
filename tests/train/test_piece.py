"""Passes over many images, on a GPU that is smaller than a piece."""

from __future__ import annotations

import pytest
import torch

from sweeper.train.evaluation import evaluate
from sweeper.train.inputs import prepare
from sweeper.train.piece import pieces

from . import tiny


def limited(most: int, ran: list[tuple[int, int]]):
    def run(part: slice) -> list[int]:
        if part.stop - part.start > most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        ran.append((part.start, part.stop))
        return list(range(part.start, part.stop))

    return run


@pytest.mark.parametrize("most", [1, 2, 3, 7, 8, 100])
@pytest.mark.parametrize("places", [range(20), range(5, 18), range(3, 3), range(1)])
def test_every_place_comes_once_in_order_whatever_fits(most: int, places: range) -> None:
    ran: list[tuple[int, int]] = []
    found = [place for part in pieces(limited(most, ran), places, 8) for place in part]
    assert found == list(places)


def test_pieces_are_halved_until_they_fit_and_stay_so() -> None:
    ran: list[tuple[int, int]] = []
    list(pieces(limited(3, ran), range(10), 8))
    assert ran == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]


def test_one_image_that_does_not_fit_is_a_failure() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        list(pieces(limited(0, []), range(10), 8))


class Small(tiny.Probe):
    """As on a GPU that holds five images at a time."""

    def features(self, images: torch.Tensor) -> torch.Tensor:
        if len(images) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().features(images)


class SmallWhole(tiny.Prompts):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if len(images) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return super().forward(images)


@pytest.mark.parametrize(("small", "large"), [(Small, tiny.Probe), (SmallWhole, tiny.Prompts)])
def test_scores_on_a_small_gpu_are_those_on_a_large_one(small, large) -> None:
    look = {"preprocessing": tiny.PREPROCESSING, "device": torch.device("cpu")}
    split = tiny.task().test
    scores = []
    for module in (small, large):
        method = tiny.method(module)
        scores.append(evaluate(method, prepare(method, split, precision="fp32", **look)))
    assert (scores[0].acc, scores[0].n) == (scores[1].acc, 18)
    assert scores[0].loss == pytest.approx(scores[1].loss, rel=1e-6)
