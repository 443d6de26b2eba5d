"""Which image belongs to which split, where nobody has said so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sweeper.seeds import derive


def shuffled(names: Sequence[str]) -> list[str]:
    """`names` in the order of their hashes: the same everywhere, whatever else is there."""
    return sorted(names, key=_place)


def deal(names: Sequence[str], shares: Mapping[str, float]) -> dict[str, list[str]]:
    """Deal the images `names` of one class to the splits of `shares`; train gets the rest.

    The hash of its name, a number in [0, 1), decides the split of an image: below the first
    share the first split, and so on. So an image keeps its split when others are added, except
    in a class so small that a split would have none of it: then the nearest image goes there.
    `names` must be more than `shares`.
    """
    if len(names) <= len(shares):
        raise ValueError(f"{len(names)} images cannot fill {len(shares) + 1} splits")
    left, bound, dealt = shuffled(names), 0.0, {}
    for waiting, (split, share) in zip(range(len(shares), 0, -1), shares.items(), strict=True):
        bound += share
        wanted = sum(_place(name) < bound for name in left)
        count = max(1, min(wanted, len(left) - waiting))
        dealt[split], left = left[:count], left[count:]
    return dealt | {"train": left}


def portions(names: Sequence[str], shares: Mapping[str, float], rest: str) -> dict[str, list[str]]:
    """Deal the images `names` of one class so that each share is met exactly, but for rounding.

    In the order of their hashes: the first share to the first split of `shares`, and so on; `rest`
    gets what is left.
    """
    left, dealt = shuffled(names), {}
    for split, share in shares.items():
        count = round(share * len(names))
        dealt[split], left = left[:count], left[count:]
    return dealt | {rest: left}


def _place(name: str) -> float:
    return derive(0, "split", name) / 2**63
