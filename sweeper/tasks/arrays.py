"""Images that a release keeps in one array.

Symbols: N images, H and W pixels as found.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from sweeper.tasks.deal import portions
from sweeper.tasks.listing import Pictures

VAL_SHARE = 0.1  # of each class of an official train split that has no val beside it


def pictures(
    name: str, images: Tensor, labels: Sequence[int], places: Sequence[int] | None = None
) -> Pictures:
    """The images uint8 [N, 3, H, W] at `places` (all, if None) of the array called `name`."""
    kept = range(len(labels)) if places is None else places
    return Pictures(
        labels=[labels[place] for place in kept],
        name=lambda number: f"{name}, image {kept[number]}",
        read=lambda number: images[kept[number]].contiguous(),
    )


def held_out(labels: Sequence[int]) -> tuple[list[int], list[int]]:
    """The places of train and of val, ascending: the hash of an image's place decides."""
    groups: dict[int, list[str]] = {}
    for place, label in enumerate(labels):
        groups.setdefault(label, []).append(str(place))
    dealt = [portions(places, {"val": VAL_SHARE}, "train") for places in groups.values()]
    train, val = (sorted(int(p) for each in dealt for p in each[s]) for s in ("train", "val"))
    return train, val
