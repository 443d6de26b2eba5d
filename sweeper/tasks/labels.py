"""Labels as a file has them, numbers or texts, to labels from 0 and the names of classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sweeper.errors import Problem, nearest
from sweeper.tasks.class_names import readable, unfit

Written = int | str | None  # None where there is none


@dataclass(frozen=True)
class Labels:
    """Labels of M images, 0 for those that are wrong, and what is wrong with them."""

    classes: tuple[str, ...]
    labels: list[int]  # [M]
    problems: list[Problem]


def label_all(
    written: Sequence[Written],
    names: tuple[str, ...] | None,
    place: Callable[[int], str],
    root: str,
) -> Labels:
    """The classes are `names`, which integers count from 0, or else what is `written`, sorted.

    `place` says where the label with a number below M stands, `root` where all of them do.
    """
    problems: list[Problem] = []
    rule = "0 or more" if names is None else f"0 to {len(names) - 1}, as there are class names"
    if names is None:
        known = sorted(
            {one for one in written if isinstance(one, str) or (one is not None and one >= 0)},
            key=lambda one: (isinstance(one, str), one),
        )
        order: dict[Written, int] = {one: label for label, one in enumerate(known)}
        names = tuple(readable(str(one)) for one in known)
        problems += unfit(root, map(str, known))
    else:
        order = {label: label for label in range(len(names))}
        order |= {name: label for label, name in reversed([*enumerate(names)])}
    labels = []
    for number, one in enumerate(written):
        label = order.get(one, order.get(readable(one)) if isinstance(one, str) else None)
        if label is None:
            problems.append(_wrong(place(number), one, names, rule))
        labels.append(label or 0)
    return Labels(names, labels, problems)


def alike(names: Sequence[str], root: str) -> Iterator[str]:
    """Notes on classes that were given the same name."""
    first: dict[str, int] = {}
    for label, name in enumerate(names):
        if first.setdefault(name, label) != label:
            yield f"{root}: classes {first[name]} and {label} are both called '{name}'"


def _wrong(where: str, one: Written, names: Sequence[str], rule: str) -> Problem:
    if one is None:
        return Problem(where, "no label (null)", "a label")
    if isinstance(one, str):
        return Problem(where, f"label '{one}'", "the name of a class", nearest(one, names[:100]))
    return Problem(where, f"label {one}", rule)
