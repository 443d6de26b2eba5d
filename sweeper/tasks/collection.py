"""Images of the user's, as they stand in a folder or a file, and the listing that comes of them.

Where nobody says which image belongs to which split, it is dealt: 60 / 20 / 20 per class to train,
val and test, by the hash of the image's name (`deal`); val or test alone, where only that one is
not given, is 20 % of train.

Symbols: M images, numbered from 0.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

from sweeper.errors import InputError, Problem
from sweeper.tasks.checked import contents, shortened
from sweeper.tasks.deal import deal
from sweeper.tasks.image import decode
from sweeper.tasks.listing import SPLITS, Listing, Pictures

RULE = "collection-1"  # another rule for splits or class names is new data: count this up
SHARES = {"test": 0.2, "val": 0.2}  # of what is dealt
SOURCES = ("", "train")  # what other splits are dealt from: everything, or train


@dataclass(frozen=True)
class Collection:
    """M images before they are dealt. Two are equal if the same stands on disk.

    `data` is asked by many threads at a time, and raises OSError or ValueError with the reason
    where there is no image to be had.
    """

    stamp: str  # of the files, see `checked.stamp`
    root: Path
    classes: tuple[str, ...]  # by label, as one reads them
    declared: tuple[str, ...]  # the splits that are given; '' alone: none
    labels: Sequence[int] = field(compare=False)  # [M]
    given: Sequence[str] = field(compare=False)  # [M], each of `declared`
    names: Sequence[str] | None = field(compare=False)  # [M]; None: called by their content
    place: Callable[[int], str] = field(compare=False)  # 'pets.parquet, row 17'
    data: Callable[[int], bytes] = field(compare=False)  # an image file
    where: Callable[[str, int], str] = field(compare=False)  # a class (label) in a split
    hint: str = ""  # what to do about a class with too few images
    problems: tuple[Problem, ...] = ()  # that the reader found
    notes: tuple[str, ...] = ()

    @property
    def shares(self) -> dict[str, float]:
        """The splits that nobody gave, with the share of images that each is dealt."""
        return {split: share for split, share in SHARES.items() if split not in self.declared}

    @property
    def rule(self) -> str:
        """Who says which image is in which split: 'given', 'generated', or 'val generated'."""
        if not self.shares:
            return "given"
        every = len(self.shares) == len(SHARES)
        return "generated" if every else f"{', '.join(self.shares)} generated"


@lru_cache(maxsize=8)
def listing(found: Collection) -> Listing:
    """What `found` holds, each image decoded once in its life to be sure that it is whole.

    Raises InputError with all that is wrong.
    """
    root = str(found.root)
    digests, broken = contents(
        found.stamp,
        len(found.labels),
        found.data,
        found.place,
        f"checking {len(found.labels):,} images of {root}",
    )
    names = found.names or [
        digest.hex() or f"broken {number}" for number, digest in enumerate(digests)
    ]
    groups = _groups(found, names)
    problems = [*found.problems, *shortened([*_lacking(found, groups)], root)]
    problems += shortened(broken, root)
    if problems:
        raise InputError(problems)
    splits = _dealt(found, groups)
    return Listing(
        classes=found.classes,
        splits={split: _pictures(found, numbers) for split, numbers in splits.items()},
        rule=found.rule,
        identity=_identity(found, names, digests, splits),
        notes=(*found.notes, *_absent(found, groups)),
    )


Groups = dict[tuple[str, int], dict[str, list[int]]]  # given split, label -> name -> numbers


def _groups(found: Collection, names: Sequence[str]) -> Groups:
    groups: Groups = defaultdict(lambda: defaultdict(list))
    for number, (split, label) in enumerate(zip(found.given, found.labels, strict=True)):
        groups[split, label][names[number]].append(number)
    return groups


def _lacking(found: Collection, groups: Groups) -> Iterator[Problem]:
    """Splits without images, and classes with too few of them to train on and to deal."""
    if len(found.classes) < 2:
        one = f"one class, '{found.classes[0]}'" if found.classes else "no classes"
        yield Problem(str(found.root), one, "at least 2 classes", found.hint)
    if not any(split in SOURCES for split in found.declared):
        said = f"no train split, only {' and '.join(found.declared) or 'no images'}"
        yield Problem(str(found.root), said, "images to train on")
    for split in found.declared:
        counts = [len(groups.get((split, label), ())) for label in range(len(found.classes))]
        if split not in SOURCES:
            if not any(counts):
                yield Problem(f"{found.root}, {split}", "no images", "images in each split")
            continue
        least = 1 + len(found.shares)
        for label, count in enumerate(counts):
            if count < least:
                rule = f"at least {least}, one for each split" if least > 1 else "some"
                got = f"{count} images" if count else "no images"
                yield Problem(found.where(split, label), got, rule, found.hint)


def _absent(found: Collection, groups: Groups) -> Iterator[str]:
    """What a given val or test lacks of the classes in train: the user should know."""
    for split in found.declared:
        absent = [
            name for label, name in enumerate(found.classes) if not groups.get((split, label))
        ]
        if absent:
            shown = ", ".join(f"'{name}'" for name in absent[:3])
            yield f"{found.root}: {split} has no images of {len(absent)} classes, such as {shown}"


def _dealt(found: Collection, groups: Groups) -> dict[str, list[int]]:
    """Split -> numbers, in their order. Images of one name go to one split."""
    splits: dict[str, list[int]] = {split: [] for split in SPLITS}
    for (given, _), named in groups.items():
        dealt = deal([*named], found.shares) if given in SOURCES else {given: [*named]}
        for split, chosen in dealt.items():
            splits[split] += [number for name in chosen for number in named[name]]
    return {split: sorted(numbers) for split, numbers in splits.items()}


def _pictures(found: Collection, numbers: list[int]) -> Pictures:
    return Pictures(
        labels=[found.labels[number] for number in numbers],
        name=lambda place: found.place(numbers[place]),
        read=lambda place: decode(found.data(numbers[place])),
    )


def _identity(
    found: Collection,
    names: Sequence[str],
    digests: Sequence[bytes],
    splits: dict[str, list[int]],
) -> str:
    """Digest of classes, names, labels, contents and splits, and not of the place on disk."""
    digest = hashlib.sha256(RULE.encode())
    text = partial(str.encode, encoding="utf-8", errors="surrogateescape")
    digest.update(text("\0".join(found.classes)))
    for split, numbers in splits.items():
        digest.update(f"\0{split} {len(numbers)}\0".encode())
        for number in numbers:
            digest.update(text(f"{names[number]}\0{found.labels[number]}\0") + digests[number])
    return digest.hexdigest()[:16]
