"""Is what stands on disk of a task whole: every image is there and can be decoded."""

from __future__ import annotations

import os
from dataclasses import dataclass

from sweeper.errors import Problem
from sweeper.tasks.listing import Listing, Pictures
from sweeper.tasks.threads import in_chunks

NAMED = 20  # broken images that are named
AHEAD = 256  # images handed to a thread at a time


@dataclass(frozen=True)
class Verdict:
    """How many images were looked at and are broken, and the first `NAMED` of these."""

    images: int
    broken: int
    problems: tuple[Problem, ...]


def verify(found: Listing, whole: set[str]) -> Verdict:
    """Decode every image of `found` but those in `whole`, to which the good ones are added.

    So images that several data sets share are decoded once. They are known by their absolute
    paths; images without one are decoded every time.
    """
    images = broken = 0
    named: list[Problem] = []
    for split in found.splits.values():
        images += len(split)
        for problem in _problems(split, whole):
            broken += 1
            if len(named) < NAMED:
                named.append(problem)
    return Verdict(images, broken, tuple(named))


def _problems(split: Pictures, whole: set[str]) -> list[Problem]:
    def look_at(number: int) -> Problem | None:
        name = split.name(number)
        if name in whole:
            return None
        try:
            split.read(number)
        except FileNotFoundError:
            return Problem(name, "no such file", "an image", "Complete the files.")
        except (OSError, ValueError) as error:
            got = f"an unreadable image ({error})"
            return Problem(name, got, "a whole image", "Replace the file.")
        if os.path.isabs(name):
            whole.add(name)
        return None

    def look(numbers: range) -> list[Problem]:
        return [found for found in map(look_at, numbers) if found is not None]

    doing = f"checking {len(split):,} images"
    return [found for chunk in in_chunks(len(split), look, doing, AHEAD) for found in chunk]
