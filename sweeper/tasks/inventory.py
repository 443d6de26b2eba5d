"""What is declared of every task, and what of it is here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sweeper.errors import InputError, Problem, nearest
from sweeper.tasks import catalog
from sweeper.tasks.dataset import DataSet, Missing
from sweeper.tasks.drawn import DRAWN
from sweeper.tasks.listing import Listing
from sweeper.tasks.sets import data_sets

State = Literal["drawn", "on disk", "missing", "damaged"]


@dataclass(frozen=True)
class Entry:
    """A task, as it is declared and as it was found."""

    name: str
    description: str
    state: State
    text: str = ""  # what is missing and how to get it, or all that is wrong
    count: int = 0  # of classes
    classes: tuple[str, ...] = ()  # empty where nothing was found
    sizes: Mapping[str, int] = field(default_factory=dict)  # as found, else as first declared
    declared: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # by rule of splits
    rule: str = ""  # of the splits that were found
    template: str = ""
    templates: Mapping[str, str] = field(default_factory=dict)
    metric: str = ""
    licence: str = ""
    source: str = ""
    papers: tuple[str, ...] = ()
    data: str = ""  # identity of what was found
    parts: tuple[str, ...] = ()  # of a joint task
    found: Listing | None = None  # of a public set


def known(given: Sequence[str], relative_to: Path) -> list[str]:
    """`given`. Raises InputError with all that name neither a task nor a path."""
    built_in, problems = catalog.names(), []
    for name in given:
        for part in catalog.parts_of(name, relative_to):
            if part in built_in or "/" in part or part.startswith("."):
                continue
            hint = nearest(part, built_in)
            if (relative_to / part).exists():
                hint = f"For the images of this name write './{part}'."
            expected = "a built-in task, or the path of a folder or file"
            problems.append(Problem("task", f"'{part}'", expected, hint))
    if problems:
        raise InputError(problems)
    return list(given)


def entry(name: str, relative_to: Path) -> Entry:
    """What is declared of the task `name`, and what of it is here; a user's images are decoded."""
    if name in data_sets():
        return _of_set(data_sets()[name])
    try:
        info = catalog.describe(name, relative_to)
    except InputError as error:
        return Entry(name, "", "damaged", str(error))
    drawn = all(part in DRAWN for part in catalog.parts_of(name, relative_to))
    return Entry(
        name=info.name,
        description=info.description,
        state="missing" if info.available else "drawn" if drawn else "on disk",
        text=info.available,
        count=len(info.classes),
        classes=info.classes,
        sizes=info.sizes,
        rule=info.rule,
        template=info.template,
        templates=info.templates,
        metric=info.metric,
        licence=info.licence,
        source=info.source,
        data=info.data,
        parts=tuple(info.parts),
    )


def _of_set(data: DataSet) -> Entry:
    state: State = "on disk"
    text, found = "", None
    try:
        found = data.listing(catalog.data_root())
    except Missing as missing:
        state, text = "missing", str(missing)
    except InputError as error:
        state, text = "damaged", str(error)
    sizes = next(iter(data.sizes.values()))
    if found is not None:
        sizes = {split: len(pictures) for split, pictures in found.splits.items()}
    return Entry(
        name=data.name,
        description=data.description,
        state=state,
        text=text,
        count=data.classes,
        classes=found.classes if found is not None else (),
        sizes=sizes,
        declared=data.sizes,
        rule=found.rule if found is not None else "",
        template=data.template,
        templates=data.templates,
        metric=data.metric,
        licence=data.licence,
        source=data.source,
        papers=data.papers,
        data=found.identity if found is not None else "",
        found=found,
    )
