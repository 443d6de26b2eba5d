from __future__ import annotations

import pytest
import torch

from sweeper.analysis.variance import inter_class_variance, intra_class_variance


def test_intra_class_variance_by_hand_counts_classes_alike() -> None:
    # class 0: (0, 0), (2, 0) -> mean (1, 0), 1; class 2: one image -> 0; so (1 + 0) / 2
    features = torch.tensor([[0.0, 0.0], [2.0, 0.0], [7.0, 7.0]])
    labels = torch.tensor([0, 0, 2])
    assert intra_class_variance(features, labels, normalised=False) == pytest.approx(0.5)


def test_intra_class_variance_of_unit_features_forgets_lengths() -> None:
    # (1, 0) and (0, 1) after division: mean (1/2, 1/2), squared distance 1/2
    features, labels = torch.tensor([[3.0, 0.0], [0.0, 5.0]]), torch.tensor([1, 1])
    assert intra_class_variance(features, labels, normalised=True) == pytest.approx(0.5)
    assert intra_class_variance(features, labels, normalised=False) == pytest.approx(8.5)


def test_inter_class_variance_by_hand() -> None:
    text = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 3.0]])
    # raw: mean (0, 1): 2, 2, 4; unit: mean (0, 1/3): 10/9, 10/9, 4/9
    assert inter_class_variance(text, normalised=False) == pytest.approx(8 / 3)
    assert inter_class_variance(text, normalised=True) == pytest.approx(8 / 9)
