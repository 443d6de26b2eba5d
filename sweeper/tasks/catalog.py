"""Every task by name: the drawn ones, the public ones under the data folder, any path.

A path is a folder of images, a parquet file, a folder of parquet files or an npz file. Names joined
by '+' are one task with the classes of all (`joint`).
"""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError, Problem, nearest
from sweeper.tasks import collection, decoded, folder, joint, npz, parquet, shard
from sweeper.tasks.dataset import DataSet, Missing
from sweeper.tasks.drawn import DRAWING, DRAWN
from sweeper.tasks.image import resize
from sweeper.tasks.listing import Listing
from sweeper.tasks.sets import data_sets
from sweeper.tasks.task import Split, Task, TaskInfo

TEMPLATE = "This is a photo of a {}"  # of a user's own images
FORMS = "a folder of images, a parquet file, a folder of them, or an npz file"


def names() -> list[str]:
    """The built-in tasks; a user's images are a task too, by their path."""
    return sorted([*DRAWN, *data_sets()])


def describe(name: str, relative_to: Path) -> TaskInfo:
    """What is known of the task `name`, a built-in one or the path of a user's images.

    A path has a '/' or a leading '.', and is taken relative to the folder `relative_to`. A user's
    images are decoded, once in their life, none of a public set is; `available` says what a public
    set still lacks here. What one should know of the data is written to stderr, once. Raises
    InputError for an unknown name, for all that is wrong in the data, and where tasks cannot be
    joined.
    """
    parts = parts_of(name, relative_to)
    if len(parts) > 1:
        return joint.describe(_described(parts, relative_to))
    if name in DRAWN:
        return _of_drawn(name)
    try:
        found = _listed(name, relative_to)
    except Missing as missing:
        return _of_set(data_sets()[name], available=str(missing))
    for note in found.notes:
        _tell(note)
    return _info(name, relative_to, found)


def load(name: str, preprocessing: Preprocessing, relative_to: Path = Path()) -> Task:
    """The task `name` (as for `describe`), its images at the size of `preprocessing`.

    Keeps nothing in memory: who wants the task twice keeps it. Raises InputError as `describe`
    does, where a public set is not there, and where the cache has no room for the images.
    """
    parts = parts_of(name, relative_to)
    if len(parts) > 1:
        info = describe(name, relative_to)
        listed = joint.listing(info, [_at_hand(part, relative_to) for part in parts])
        return Task(info, **decoded.load(listed, preprocessing))
    if name in DRAWN:
        drawn = {
            split: Split(resize(images, preprocessing), labels)
            for split, (images, labels) in DRAWN[name].draw().items()
        }
        return Task(_of_drawn(name), **drawn)
    found = _at_hand(name, relative_to)
    return Task(_info(name, relative_to, found), **decoded.load(found, preprocessing))


def parts_of(name: str, relative_to: Path = Path()) -> list[str]:
    """The names that `name` joins; itself, where it joins none or is a path with a '+' in it."""
    if _is_path(name) and os.path.exists(relative_to / os.path.expanduser(name)):
        return [name]
    return name.split(joint.SIGN)


def located(name: str, relative_to: Path) -> str:
    """`name` with absolute paths for its paths, under which any worker finds them."""
    return joint.SIGN.join(
        str(_place(part, relative_to)) if _is_path(part) else part
        for part in parts_of(name, relative_to)
    )


def folders_of(name: str, relative_to: Path = Path()) -> list[Path]:
    """The folders and files of images in `name`, whether they are there or not."""
    parts = parts_of(name, relative_to)
    return [relative_to / os.path.expanduser(part) for part in parts if _is_path(part)]


def data_root() -> Path:
    """Where public data sets are looked for: SWEEPER_DATA, or ~/.cache/sweeper/data."""
    given = os.environ.get("SWEEPER_DATA")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "sweeper" / "data"


def _listed(name: str, relative_to: Path) -> Listing:
    """What stands on disk of a user's images or of a public set, which may be `Missing`."""
    if _is_path(name):
        return _at(_place(name, relative_to))
    if name in data_sets():
        return data_sets()[name].listing(data_root())
    hint = nearest(name, names())
    if (relative_to / name).exists():
        hint = f"For the images of this name write './{name}'."
    raise InputError(Problem("task", f"'{name}'", "a built-in task or a path", hint))


def _at_hand(name: str, relative_to: Path) -> Listing:
    """The images of a single task. Raises InputError where it is not there, too."""
    if name in DRAWN:
        return DRAWN[name].listing()
    try:
        return _listed(name, relative_to)
    except Missing as missing:
        raise InputError(Problem("task", f"'{name}'", "its files", str(missing))) from missing


def _place(path: str, relative_to: Path) -> Path:
    """`path` made absolute; unlike `Path.resolve`, it bears a link to itself."""
    return Path(os.path.realpath(relative_to / os.path.expanduser(path)))


def _at(path: Path) -> Listing:
    try:
        return _opened(path)
    except OSError as error:
        raise InputError(Problem(str(path), f"unreadable ({error.strerror})", FORMS)) from error


def _opened(path: Path) -> Listing:
    if path.is_dir():
        kind = parquet if shard.is_folder(path) else folder
        return collection.listing(kind.collection(path))
    if not path.is_file():
        raise InputError(Problem(str(path), "no such folder or file", FORMS))
    kinds = {".parquet": parquet, ".npz": npz}
    if path.suffix.lower() not in kinds:
        raise InputError(Problem(str(path), f"a file '{path.suffix}'", FORMS))
    return collection.listing(kinds[path.suffix.lower()].collection(path))


def _info(name: str, relative_to: Path, found: Listing) -> TaskInfo:
    if not _is_path(name):
        return _of_set(data_sets()[name], found)
    path = _place(name, relative_to)
    sizes = {split: len(pictures) for split, pictures in found.splits.items()}
    kind = "folder" if path.is_dir() else f"{path.suffix[1:].lower()} file"
    return TaskInfo(
        name=path.name if path.is_dir() else path.stem,
        data=found.identity,
        description=f"{sum(sizes.values()):,} images of a {kind}",
        classes=found.classes,
        template=TEMPLATE,
        sizes=sizes,
        rule=found.rule,
    )


def _of_set(known: DataSet, found: Listing | None = None, available: str = "") -> TaskInfo:
    """What is declared of a public set, and found of it; `available` where nothing is."""
    sizes = dict(next(iter(known.sizes.values())))
    if found is not None:
        sizes = {split: len(pictures) for split, pictures in found.splits.items()}
    return TaskInfo(
        name=known.name,
        data=found.identity if found is not None else f"{known.name}-absent",
        description=known.description,
        classes=found.classes if found is not None else (),
        template=known.template,
        sizes=sizes,
        metric=known.metric,
        available=available,
        licence=known.licence,
        source=known.source,
        rule=found.rule if found is not None else "",
        templates=dict(known.templates),
        test_classes=found.test_classes if found is not None else (),
    )


def _of_drawn(name: str) -> TaskInfo:
    task = DRAWN[name]
    sizes = dict(task.sizes)
    return TaskInfo(name, DRAWING, task.description, task.classes, task.template, sizes)


@cache
def _tell(note: str) -> None:
    sys.stderr.write(f"{note}\n")


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
            hint = "Move it, or use it as a task of its own."
            problems.append(Problem(path, "a '+' in it", "a path without '+', to be joined", hint))
    if problems:
        raise InputError(problems)
    return found


def _is_path(name: str) -> bool:
    return "/" in name or name.startswith(".")
