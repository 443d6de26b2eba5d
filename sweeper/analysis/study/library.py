"""The analysis `library` (PGN Fig. 6).

It reads a method with `tl_vectors`, the library [N, D], by the name that it has in PGN's public
weights, and `weights(images)`, the mixing weights [B, p, N] of normalised images [B, 3, H, W].
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from sweeper.analysis.artifact import write
from sweeper.analysis.library import top_images
from sweeper.analysis.picture import image_grid
from sweeper.analysis.subject import Subject, batches

NAME = "library"
PICTURED = 4  # images of an item, as in the paper
ITEMS = 6  # in the picture: those whose first image has the highest weight
COLUMNS = {
    "item": "of the token library, from 0",
    "rank": "1 is the image with the highest weight",
    "image": "place in the split, from 0",
    "class": "the label of the image",
    "weight": "highest mixing weight over the prompts, fraction",
}


def library(subject: Subject, folder: Path) -> None:
    """The images that give each item of a token library the highest weight."""
    module: Any = subject.module.eval()
    if not (hasattr(module, "tl_vectors") and hasattr(module, "weights")):
        got = "no token library"
        raise subject.refusal(NAME, got, "`tl_vectors` [N, D] and `weights(images)` [B, p, N]")
    with torch.no_grad():
        parts = [module.weights(images).cpu() for _, images, _ in batches(subject)]
    tops, weights = top_images(torch.cat(parts), PICTURED)
    labels = [subject.task.info.classes[label] for label in subject.images.labels.tolist()]
    places = subject.places.tolist()
    shown = weights[:, 0].sort(descending=True, stable=True).indices[:ITEMS].tolist()
    write(
        folder,
        NAME,
        subject,
        columns=COLUMNS,
        rows=[
            (item, rank, places[image], labels[image], weight)
            for item, (images, line) in enumerate(zip(tops.tolist(), weights.tolist(), strict=True))
            for rank, (image, weight) in enumerate(zip(images, line, strict=True), start=1)
        ],
        source="PGN Fig. 6",
        results={"items": len(tops), "items_shown": shown},
        pictures=[NAME],
    )
    grid = {
        f"item {item}": [
            (subject.images.images[image], f"{labels[image]}\n{weight:.3f}")
            for image, weight in zip(tops[item].tolist(), weights[item].tolist(), strict=True)
        ]
        for item in shown
    }
    image_grid(folder / NAME, grid)
