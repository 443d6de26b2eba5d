"""The analysis `distance` (VP Fig. 5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from sweeper.analysis.artifact import write
from sweeper.analysis.distance import frechet, token_distance
from sweeper.analysis.observe import ObservedBackbone
from sweeper.analysis.subject import Subject, batches, normalised
from sweeper.seeds import generator
from sweeper.tasks import catalog as tasks

NAME = "distance"
PAIRS = 256  # of images, drawn by the seed
REFERENCE = "imagenet"  # the paper measures from a sample of it
EMBEDDED_REFERENCE = "shapes"  # for the small backbones of this project, which never saw photos
COLUMNS = {
    "first": "an image of a pair: its place in the split, from 0",
    "second": "the other one",
    "distance": "mean squared distance of unit tokens over blocks and positions, 0 to 4",
}


def distance(subject: Subject, folder: Path) -> None:
    """How far the task's images are from a reference task's, and from each other.

    Both in the frozen backbone of the trial, without its prompts. The reference is the test split
    of `subject.reference`, as many images of it as of the task at most.
    """
    info = subject.backbone.info
    if "input_tokens" not in info.ways:
        got = f"backbone '{info.name}' is taken whole"
        raise subject.refusal(NAME, got, "a plain ViT, whose blocks can be seen into")
    if len(subject.places) < 2:
        raise subject.refusal(NAME, f"{len(subject.places)} images", "at least 2")
    embedded = info.name.startswith("embedded")
    name = subject.reference or (EMBEDDED_REFERENCE if embedded else REFERENCE)
    reference = tasks.load(name, info.preprocessing)
    other = replace(subject, task=reference, split="test", module=nn.Identity())
    far = frechet(_features(subject), _features(other))
    pairs = _pairs(subject)
    apart = torch.cat(list(_distances(subject, pairs)))
    write(
        folder,
        NAME,
        subject,
        columns=COLUMNS,
        rows=[
            (*subject.places[pair].tolist(), value)
            for pair, value in zip(pairs, apart.tolist(), strict=True)
        ],
        source="VP Fig. 5",
        results={
            "frechet": far,
            "diversity": apart.mean().item(),
            "reference": name,
            "images_of_reference": len(other.places),
            "pairs": len(pairs),
        },
    )


def _features(subject: Subject) -> Tensor:
    """The backbone's own features [M, E]."""
    with torch.no_grad():
        found = [subject.backbone.encode_image(images).cpu() for _, images, _ in batches(subject)]
    return torch.cat(found)


def _pairs(subject: Subject) -> Tensor:
    """Places [PAIRS, 2] among the images that are read, those of a pair never the same."""
    draw = generator(subject.seed, "analysis", "pairs")
    count = len(subject.places)
    first = torch.randint(count, (PAIRS,), generator=draw)
    step = torch.randint(1, count, (PAIRS,), generator=draw)
    return torch.stack((first, (first + step) % count), dim=1)


def _distances(subject: Subject, pairs: Tensor) -> Iterator[Tensor]:
    """The distances of pairs, some of them at a time."""
    watched = ObservedBackbone(subject.backbone)
    inputs = normalised(subject)
    for part in torch.split(pairs, 32):
        seen = []
        for side in part.T:
            with torch.no_grad():
                watched.encode_image(inputs.batch(side)[0])
            assert watched.last is not None, "it has just encoded images"
            seen.append([watched.last.patch_tokens(block) for block in range(watched.last.depth)])
        yield token_distance(*seen).cpu()
