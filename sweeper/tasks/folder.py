"""Any folder of images: one sub-folder per class.

    my_images/<class>/*.jpg                     dealt to train, val and test (`collection`)
    my_images/{train,val,test}/<class>/*.jpg    as given; `valid` and `validation` are val,
                                                and capitals do not matter

A class is named after its folder, underscores read as spaces. Hidden files, files that are not
images, deeper folders and links to folders are left out, and counted in a note.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from sweeper.errors import InputError, Problem
from sweeper.tasks.checked import stamp
from sweeper.tasks.class_names import readable, unfit
from sweeper.tasks.collection import Collection
from sweeper.tasks.image import SUFFIXES
from sweeper.tasks.listing import CALLED

HINT = (
    "Put the images of each class into a folder named after it; images in deeper folders, and "
    "links to folders, do not count."
)


@dataclass
class _Found:
    """What stands in a folder: split ('' where not given) -> class -> files, by relative name."""

    files: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)  # split -> its folder, from the root
    left_out: list[str] = field(default_factory=list)


def collection(root: Path) -> Collection:
    """The images in the folder `root`. Raises InputError where it has no folders of classes."""
    found = _look(root)
    classes = sorted({name for folders in found.files.values() for name in folders})
    files, labels, given = [], [], []
    for split, folders in found.files.items():
        for label, name in enumerate(classes):
            own = folders.get(name, [])
            files += own
            labels += [label] * len(own)
            given += [split] * len(own)
    return Collection(
        stamp=stamp(root, ((name, _stat(root / name)) for name in files)),
        root=root,
        classes=tuple(map(readable, classes)),
        declared=tuple(found.files),
        labels=labels,
        given=given,
        names=files,
        place=lambda number: str(root / files[number]),
        data=lambda number: (root / files[number]).read_bytes(),
        where=lambda split, label: str(root / found.places[split] / classes[label]),
        hint=HINT,
        problems=tuple(unfit(str(root), classes)),
        notes=_notes(root, found.left_out),
    )


def _look(root: Path) -> _Found:
    found = _Found()
    top = _folders(root, "", found)
    splits = [CALLED.get(name.lower()) for name in top]
    if "train" in splits and None not in splits:
        if len(set(splits)) < len(splits):
            said = f"more than one folder for a split: {', '.join(top)}"
            raise InputError(Problem(str(root), said, "one for train, one for val, one for test"))
        groups = {CALLED[name.lower()]: (name, _folders(root, name, found)) for name in top}
    else:
        groups = {"": ("", top)}
    for split, (place, names) in groups.items():
        found.places[split] = place
        found.files[split] = {
            name: _images(root, os.path.join(place, name), found) for name in names
        }
    return found


def _folders(root: Path, at: str, found: _Found) -> list[str]:
    """The visible folders in `at`; links are not followed, so nothing outside is reached."""
    names = []
    with os.scandir(root / at) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                names.append(entry.name)
            else:
                found.left_out.append(os.path.join(at, entry.name))
    return names


def _images(root: Path, at: str, found: _Found) -> list[str]:
    """The images in `at`, by their names relative to `root`; a link to none counts, as broken."""
    names = []
    with os.scandir(root / at) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            name = os.path.join(at, entry.name)
            image = os.path.splitext(entry.name)[1].lower() in SUFFIXES
            if image and not entry.name.startswith(".") and _is_file(entry):
                names.append(name)
            else:
                found.left_out.append(name)
    return names


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file, a link to one, or a link to nothing; no pipe, which would block."""
    if entry.is_symlink():
        return os.path.isfile(entry.path) or not os.path.exists(entry.path)
    return entry.is_file()


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _notes(root: Path, left_out: list[str]) -> tuple[str, ...]:
    if not left_out:
        return ()
    shown = ", ".join(left_out[:3])
    return (
        f"{root}: left out {len(left_out)} entries that are not images in a class folder, "
        f"such as {shown}",
    )
