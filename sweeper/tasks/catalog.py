"""Every task by name: the drawn ones, the public ones under the data folder, any folder.

Names joined by '+' are one task with the classes of all (`joint`).
"""

from __future__ import annotations

import os
from pathlib import Path

import torch

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError, Problem, nearest
from sweeper.tasks import folder, joint
from sweeper.tasks.dataset import DataSet, Missing
from sweeper.tasks.drawn import DRAWN
from sweeper.tasks.image import resize
from sweeper.tasks.listing import Listing, Pictures
from sweeper.tasks.sets import data_sets
from sweeper.tasks.task import Split, Task, TaskInfo

DRAWING = "drawn-1"  # pictures that come out differently are new data: count this up


def names() -> list[str]:
    """The built-in tasks; a folder of images is a task too, by its path."""
    return sorted([*DRAWN, *data_sets()])


def describe(name: str, relative_to: Path) -> TaskInfo:
    """What is known of the task `name`, a built-in one or the path of a folder of images.

    A path has a '/' or a leading '.', and is taken relative to the folder `relative_to`. All
    images of a folder are decoded, none of a public set; `available` says what a public set
    still lacks here. Raises InputError for an unknown name, for all that is wrong in a folder,
    and where tasks cannot be joined.
    """
    parts = parts_of(name, relative_to)
    if len(parts) > 1:
        return joint.describe(_described(parts, relative_to))
    if _is_path(name):
        return folder.describe(relative_to / Path(name).expanduser())
    if name in DRAWN:
        task = DRAWN[name]
        return TaskInfo(
            name, DRAWING, task.description, task.classes, task.template, dict(task.sizes)
        )
    if name in data_sets():
        try:
            return _told(data_sets()[name], data_sets()[name].listing(data_root()))
        except Missing as missing:
            return _told(data_sets()[name], None, str(missing))
    hint = nearest(name, names())
    if (relative_to / name).is_dir():
        hint = f"For the folder of this name write './{name}'."
    raise InputError(Problem("task", f"'{name}'", "a built-in task or the path of a folder", hint))


def load(name: str, preprocessing: Preprocessing, relative_to: Path = Path()) -> Task:
    """The task `name` (as for `describe`), its images at the size of `preprocessing`.

    Keeps nothing: who wants the task twice keeps it. Raises InputError as `describe` does, and
    where a public set is not there.
    """
    parts = parts_of(name, relative_to)
    if len(parts) > 1:
        describe(name, relative_to)  # before the first image is read
        return joint.join([load(part, preprocessing, relative_to) for part in parts])
    if _is_path(name):
        return folder.load(relative_to / Path(name).expanduser(), preprocessing)
    info = describe(name, relative_to)
    if info.available:
        raise InputError(Problem("task", f"'{name}'", "its files", info.available))
    if name in data_sets():
        found = data_sets()[name].listing(data_root())
        pictures = {split: _decoded(found.splits[split], preprocessing) for split in found.splits}
        return Task(info, **pictures)
    splits = {
        split: Split(resize(images, preprocessing), labels)
        for split, (images, labels) in DRAWN[name].draw().items()
    }
    return Task(info, **splits)


def parts_of(name: str, relative_to: Path = Path()) -> list[str]:
    """The names that `name` joins; itself, where it joins none or is a folder with a '+' in it."""
    if _is_path(name) and (relative_to / Path(name).expanduser()).is_dir():
        return [name]
    return name.split(joint.SIGN)


def located(name: str, relative_to: Path) -> str:
    """`name` with absolute paths for its folders, under which any worker finds it."""
    return joint.SIGN.join(
        str((relative_to / Path(part).expanduser()).resolve()) if _is_path(part) else part
        for part in parts_of(name, relative_to)
    )


def folders_of(name: str, relative_to: Path = Path()) -> list[Path]:
    """The folders of images in `name`, whether they are there or not."""
    parts = parts_of(name, relative_to)
    return [relative_to / Path(part).expanduser() for part in parts if _is_path(part)]


def data_root() -> Path:
    """Where public data sets are looked for: SWEEPER_DATA, or ~/.cache/sweeper/data."""
    given = os.environ.get("SWEEPER_DATA")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "sweeper" / "data"


def _told(data: DataSet, found: Listing | None, missing: str = "") -> TaskInfo:
    """`data` with what was found of it; nothing was, where files are `missing`."""
    return TaskInfo(
        name=data.name,
        data=f"{data.name}-absent" if found is None else found.identity,
        description=data.description,
        classes=() if found is None else found.classes,
        template=data.template,
        sizes={} if found is None else {split: len(each) for split, each in found.splits.items()},
        metric=data.metric,
        available=missing,
        licence=data.licence,
        source=data.source,
        rule="" if found is None else found.rule,
        templates=dict(data.templates),
    )


def _decoded(pictures: Pictures, preprocessing: Preprocessing) -> Split:
    images = [resize(pictures.read(n)[None], preprocessing) for n in range(len(pictures))]
    return Split(torch.cat(images), torch.tensor(pictures.labels))


def _described(parts: list[str], relative_to: Path) -> list[TaskInfo]:
    """The parts of a joint task. Raises InputError with all that is wrong with any of them."""
    found, problems = [], []
    for part in parts:
        try:
            found.append(describe(part, relative_to))
        except InputError as error:
            problems += error.problems
        path = located(part, relative_to)
        if _is_path(part) and joint.SIGN in path:
            hint = "Move the folder, or use it as a task of its own."
            problems.append(Problem(path, "a '+' in it", "a path without '+', to be joined", hint))
    if problems:
        raise InputError(problems)
    return found


def _is_path(name: str) -> bool:
    return "/" in name or name.startswith(".")
