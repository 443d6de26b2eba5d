"""The analysis `variance` (UPT appendix A); Fig. 1 (d) and (e) draw it over many tasks."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from sweeper.analysis.artifact import write
from sweeper.analysis.subject import Subject, readings
from sweeper.analysis.variance import inter_class_variance, intra_class_variance

NAME = "variance"
COLUMNS = {
    "variance": "intra-class visual (Eq. 6 and 7) or inter-class text (Eq. 8)",
    "features": "of the backbone alone, as in the paper, or of the trained method",
    "normalised": "whether features were divided by their norms first",
    "value": "mean squared Euclidean distance, in units of a feature squared",
}


def variance(subject: Subject, folder: Path) -> None:
    """Intra-class variance of image features and inter-class variance of text features."""
    if "text" not in subject.backbone.info.ways:
        got = f"backbone '{subject.backbone.info.name}' has no text tower"
        raise subject.refusal(NAME, got, "one that turns class names into features")
    found: dict[str, list[Tensor]] = {"backbone": [], "method": []}
    for reading in readings(subject, NAME):
        found["backbone"].append(subject.backbone.encode_image(reading.images).cpu())
        found["method"].append(reading.observation.features.cpu())
    labels, info = subject.images.labels, subject.task.info
    rows: list[tuple[str, str, bool, float]] = []
    for name, parts in found.items():
        for unit in (True, False):
            value = intra_class_variance(torch.cat(parts), labels, normalised=unit)
            rows.append(("intra-class visual", name, unit, value))
    text = subject.backbone.classifier(info.classes, info.template)
    rows.append(("inter-class text", "backbone", True, inter_class_variance(text, normalised=True)))
    write(
        folder,
        NAME,
        subject,
        columns=COLUMNS,
        rows=rows,
        source="UPT appendix A, Fig. 1 (d) and (e)",
        results={
            "classes_with_images": len(set(labels.tolist())),
            "intra_class_visual_variance_of_unit_backbone_features": rows[0][3],
            "inter_class_text_variance_of_unit_features": rows[-1][3],
        },
    )
