"""Several tasks as one: their images together, one classifier over the classes of all.

The setting of PGN, section 5 and Table 6. Splits are concatenated in the order in which the parts
are written, and shuffled by the training like those of any task; so batches are mixed, and a part
is seen in proportion to its size. The paper says nothing of how its batches were made up.

The name of a class is its whole text, so that parts may differ in their templates; the template
of the joint task is '{}'.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, combinations, pairwise

from torch import Tensor

from sweeper.errors import InputError, Problem
from sweeper.tasks.listing import SPLITS, Listing, Pictures
from sweeper.tasks.task import TaskInfo

SIGN = "+"  # between the names of the parts
RULE = "joint-1"  # another way of joining is new data: count this up
_PLAIN = re.compile(r"[\w. -]+")  # a part's name becomes that of a metric


def describe(parts: Sequence[TaskInfo]) -> TaskInfo:
    """What is known of the task that joins `parts`. Its `available` is what the parts lack.

    Raises InputError where two parts, or two classes of different parts, cannot be told apart.
    """
    name = SIGN.join(part.name for part in parts)
    if problems := [*_unfit(name, parts), *_alike(name, parts)]:
        raise InputError(problems)
    digest = hashlib.sha256(RULE.encode())
    for part in parts:
        digest.update(f"{part.name}\0{part.data}\0".encode("utf-8", "surrogateescape"))
    tested = [0, *accumulate(part.sizes.get("test", 0) for part in parts)]
    return TaskInfo(
        name=name,
        data=digest.hexdigest()[:16],
        description=f"{' and '.join(part.name for part in parts)}, told apart by one classifier",
        classes=tuple(text for part in parts for text in texts(part)),
        template="{}",
        sizes={
            split: sum(part.sizes[split] for part in parts)
            for split in SPLITS
            if all(split in part.sizes for part in parts)
        },
        available="; ".join(part.available for part in parts if part.available),
        parts={
            part.name: range(*bounds) for part, bounds in zip(parts, pairwise(tested), strict=True)
        },
        joined=tuple(parts),
    )


def listing(info: TaskInfo, parts: Sequence[Listing]) -> Listing:
    """The images of `parts`, in their order, under labels of their own; `info` describes it."""
    first = [0, *accumulate(len(part.classes) for part in parts)]
    return Listing(
        classes=info.classes,
        splits={
            split: _after_another([part.splits[split] for part in parts], first) for split in SPLITS
        },
        rule=SIGN.join(part.rule for part in parts),
        identity=info.data,
    )


def _after_another(parts: Sequence[Pictures], first: Sequence[int]) -> Pictures:
    """`parts` as one; `first` is the label of the first class of each."""
    starts = [0, *accumulate(map(len, parts))]

    def at(number: int) -> tuple[Pictures, int]:
        part = bisect_right(starts, number) - 1
        return parts[part], number - starts[part]

    def name(number: int) -> str:
        part, place = at(number)
        return part.name(place)

    def read(number: int) -> Tensor:
        part, place = at(number)
        return part.read(place)

    labels = [
        start + label for part, start in zip(parts, first, strict=False) for label in part.labels
    ]
    return Pictures(labels, name, read)


def texts(part: TaskInfo) -> tuple[str, ...]:
    """The classes of a task, written into its template."""
    return tuple(part.template.format(name) for name in part.classes)


def _unfit(name: str, parts: Sequence[TaskInfo]) -> Iterator[Problem]:
    where = f"task '{name}'"
    for one, other in combinations(parts, 2):
        if one.name == other.name:
            hint = "A folder is called as its last part says: rename it."
            yield Problem(where, f"two parts called '{one.name}'", "names that differ", hint)
    for part in parts:
        if not _PLAIN.fullmatch(part.name):
            rule = "letters, digits, spaces, '_', '.', '-': each part has a metric of its name"
            yield Problem(where, f"a part called '{part.name}'", rule, "Rename the folder.")


def _alike(name: str, parts: Sequence[TaskInfo]) -> Iterator[Problem]:
    """Texts that two parts share, as a text tower reads them: without case, '_' or wide spaces."""
    read = [{" ".join(t.replace("_", " ").lower().split()) for t in texts(part)} for part in parts]
    for (one, first), (other, second) in combinations(zip(parts, read, strict=True), 2):
        shared = sorted(first & second)
        if shared and one.name != other.name:
            said = ", ".join(f"'{text}'" for text in shared[:5])
            said += f" and {len(shared) - 5} more" if len(shared) > 5 else ""
            yield Problem(
                f"task '{name}'",
                f"'{one.name}' and '{other.name}' both have {said}",
                "class texts that differ, for a classifier of texts to tell them apart",
                "Rename the classes of one, or train the two apart.",
            )
