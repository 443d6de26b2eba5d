"""The analysis `sphere` (UPT Fig. 2)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from sweeper.analysis.artifact import write
from sweeper.analysis.picture import globe
from sweeper.analysis.sphere import on_sphere, own_and_other
from sweeper.analysis.subject import Subject, readings

NAME = "sphere"
COLUMNS = {
    "kind": "image, or text: the weight that classifies the class",
    "class": "of the image, or of the text",
    "x": "first coordinate on the unit sphere",
    "y": "second coordinate on the unit sphere",
    "z": "third coordinate on the unit sphere",
}


def sphere(subject: Subject, folder: Path) -> None:
    """Features of images and the texts that classify them, projected on a sphere.

    Texts are those that the method encodes; where they differ between images, their mean over a
    batch; where it encodes none, the class names in the template.
    """
    if "text" not in subject.backbone.info.ways:
        got = f"backbone '{subject.backbone.info.name}' has no text tower"
        raise subject.refusal(NAME, got, "one that turns class names into features")
    classes, labels = subject.task.info.classes, subject.images.labels
    parts: list[Tensor] = []
    texts = subject.backbone.classifier(classes, subject.task.info.template)
    for reading in readings(subject, NAME):
        parts.append(reading.observation.features.cpu())
        if reading.texts is not None:
            each = F.normalize(reading.texts, dim=-1).view(
                -1, len(classes), reading.texts.shape[-1]
            )
            texts = each.mean(dim=0)
    images, texts = torch.cat(parts), texts.cpu()
    on_image, on_text, kept = on_sphere(images, texts)
    own, other = own_and_other(images, labels, texts)
    rows = [
        ("image", classes[k], *at) for k, at in zip(labels.tolist(), on_image.tolist(), strict=True)
    ]
    rows += [("text", name, *at) for name, at in zip(classes, on_text.tolist(), strict=True)]
    write(
        folder,
        NAME,
        subject,
        columns=COLUMNS,
        rows=rows,
        source="UPT Fig. 2",
        results={
            "share_of_squared_length_kept": kept,
            "mean_cosine_to_text_of_own_class": own,
            "mean_cosine_to_other_texts": other,
        },
        pictures=[NAME],
    )
    globe(folder / NAME, on_image, labels, on_text, classes)
