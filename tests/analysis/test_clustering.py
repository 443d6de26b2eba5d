from __future__ import annotations

import pytest
import torch

from sweeper.analysis.clustering import cluster, nmi_matrix
from sweeper.seeds import generator


def test_nmi_is_one_for_renamed_clusters_and_zero_for_independent_ones() -> None:
    labels = torch.tensor([0, 0, 1, 1])
    matrix = nmi_matrix({"a": labels, "b": 1 - labels, "c": torch.tensor([0, 1, 0, 1])})
    expected = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=torch.float64)
    torch.testing.assert_close(matrix, expected)


def test_nmi_of_a_split_cluster_is_two_thirds_by_hand() -> None:
    # H(A) = ln 2, H(B) = ln 4, I = ln 2: 2 ln 2 / (3 ln 2)
    matrix = nmi_matrix({"a": torch.tensor([0, 0, 1, 1]), "b": torch.tensor([0, 1, 2, 3])})
    assert matrix[0, 1].item() == pytest.approx(2 / 3)


def test_k_means_finds_clusters_far_apart_and_repeats_itself() -> None:
    labels = torch.arange(30) % 3
    noise = 0.1 * torch.randn(30, 4, generator=generator(0, "noise"))
    features = 5 * torch.eye(4)[labels] + noise
    found = cluster(features, 3, seed=1)
    assert nmi_matrix({"labels": labels, "found": found})[0, 1].item() == pytest.approx(1)
    assert torch.equal(cluster(features, 3, seed=1), found)


def test_normalised_features_are_clustered_by_direction() -> None:
    directions = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat(4, 1)
    lengths = torch.tensor([1.0, 1.0, 1.0, 1.0, 50.0, 50.0, 50.0, 50.0])
    labels, features = torch.arange(8) % 2, directions * lengths[:, None]
    found = {n: cluster(features, 2, seed=0, normalised=n) for n in (True, False)}
    assert nmi_matrix({"a": labels, "b": found[True]})[0, 1].item() == pytest.approx(1)
    assert nmi_matrix({"a": labels, "b": found[False]})[0, 1].item() < 0.9
