"""The analysis `outputs` (PGN Fig. 5)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from sweeper.analysis.artifact import write
from sweeper.analysis.embedding import LEAST, neighbours_alike, plane
from sweeper.analysis.picture import points
from sweeper.analysis.subject import Subject, readings

NAME = "outputs"
COLUMNS = {
    "image": "place in the split, from 0",
    "part": "the task that the image comes from",
    "x": "first coordinate of t-SNE, no unit",
    "y": "second coordinate of t-SNE, no unit",
}


def outputs(subject: Subject, folder: Path) -> None:
    """t-SNE of the prompts that are made from the images of a joint task, by their part.

    All prompts of an image are one vector.
    """
    parts = subject.task.info.parts
    if not parts or subject.split != "test":
        got = f"task '{subject.task.info.name}', split {subject.split}"
        raise subject.refusal(NAME, got, "the test images of a joint task, such as digits+textures")
    if len(subject.places) < LEAST:
        got = f"{len(subject.places)} images"
        raise subject.refusal(NAME, got, f"at least {LEAST}", "Raise the limit.")
    prompts = _prompts(subject)
    names, places = list(parts), subject.places.tolist()
    kinds = torch.tensor([_part(place, list(parts.values())) for place in places])
    found = plane(prompts, seed=subject.seed)
    write(
        folder,
        NAME,
        subject,
        columns=COLUMNS,
        rows=[
            (place, names[kind], *coordinates)
            for place, kind, coordinates in zip(places, kinds.tolist(), found.tolist(), strict=True)
        ],
        source="PGN Fig. 5",
        results={
            "parts": len(names),
            "share_whose_nearest_output_is_of_the_same_part": neighbours_alike(prompts, kinds),
            "share_by_chance": _chance(kinds),
        },
        pictures=[NAME],
    )
    points(folder / NAME, {name: found[kinds == kind] for kind, name in enumerate(names)})


def _prompts(subject: Subject) -> Tensor:
    """[M, p * D]."""
    found = []
    for reading in readings(subject, NAME):
        tokens = reading.observation.prompts.tokens
        if tokens is None or tokens.dim() != 3:
            got = "prompts that are the same for every image, or none"
            raise subject.refusal(NAME, got, "a method that makes prompts from images")
        found.append(tokens.flatten(1).cpu())
    return torch.cat(found)


def _part(place: int, ranges: list[range]) -> int:
    return next(number for number, inside in enumerate(ranges) if place in inside)


def _chance(kinds: Tensor) -> float:
    """The share that neighbours drawn at random would have."""
    counts = kinds.bincount().double()
    return ((counts * (counts - 1)).sum() / (len(kinds) * (len(kinds) - 1))).item()
