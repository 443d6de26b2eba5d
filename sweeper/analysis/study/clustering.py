"""The analysis `feature-nmi` (PGN Fig. 2 and Table 10)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from sweeper.analysis.artifact import write
from sweeper.analysis.clustering import cluster, nmi_matrix
from sweeper.analysis.picture import matrix
from sweeper.analysis.subject import Subject, readings

NAME = "feature-nmi"
COLUMNS = {
    "first": "a clustering: the labels, or k-means of prompts, backbone's or method's features",
    "second": "the one it is compared with",
    "nmi": "2 I / (H + H), between 0 and 1",
}


def feature_nmi(subject: Subject, folder: Path) -> None:
    """NMI of k-means clusterings of prompts, of the backbone's features and of the method's.

    Prompts take part where they differ between images: those at the input, all of an image's
    in one vector.
    """
    classes = len(subject.task.info.classes)
    if len(subject.places) < classes:
        got, rule = f"{len(subject.places)} images", f"at least one for each of {classes} clusters"
        raise subject.refusal(NAME, got, rule, "Raise the limit.")
    clusterings = {"labels": subject.images.labels} | {
        name: cluster(features, classes, seed=subject.seed)
        for name, features in _features(subject).items()
        if (features != features[0]).any()
    }
    names, found = list(clusterings), nmi_matrix(clusterings)
    values = found.tolist()
    write(
        folder,
        NAME,
        subject,
        columns=COLUMNS,
        rows=[
            (first, second, value)
            for first, line in zip(names, values, strict=True)
            for second, value in zip(names, line, strict=True)
        ],
        source="PGN Fig. 2 and Table 10",
        results={
            "clusters": classes,
            "normalised": False,
            "nmi": {
                a: dict(zip(names, b, strict=True)) for a, b in zip(names, values, strict=True)
            },
        },
        pictures=[NAME],
    )
    labels = ("", "", "NMI, %")
    path = folder / NAME
    matrix(path, 100 * found, rows=names, columns=names, labels=labels, limits=(0, 100))


def _features(subject: Subject) -> dict[str, Tensor]:
    """Features [M, F] by name: prompts of images where the method has them, backbone, method."""
    found: dict[str, list[Tensor]] = {"prompts": [], "backbone": [], "method": []}
    for reading in readings(subject, NAME):
        prompts = reading.observation.prompts.tokens
        if prompts is not None and prompts.dim() == 3:
            found["prompts"].append(prompts.flatten(1).cpu())
        found["backbone"].append(subject.backbone.encode_image(reading.images).cpu())
        found["method"].append(reading.observation.features.cpu())
    return {name: torch.cat(parts) for name, parts in found.items() if parts}
