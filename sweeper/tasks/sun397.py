"""SUN397 from its unpacked archive (`SUN397/ClassName.txt`, `SUN397/a/abbey/sun_*.jpg`).

Splits: CoOp's `split_zhou_SUN397.json` where it lies in the data folder or in `SUN397/`
(15,888 / 3,970 / 19,850 images). Where it does not, 100 images of each class (fewer where there
are fewer), the first by the hash of their names: 40 % train, 10 % val, 50 % test, the
proportions of the official partitions. `TaskInfo.data` says which of the two was used.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError, Problem
from sweeper.tasks.deal import shuffled
from sweeper.tasks.image import read_splits
from sweeper.tasks.task import Task, TaskInfo

SPLIT_FILE = "split_zhou_SUN397.json"
PER_CLASS = 100
URL = "http://vision.princeton.edu/projects/2010/SUN/SUN397.tar.gz"

Files = dict[str, dict[str, int]]  # split -> file relative to SUN397/ -> label


def describe(root: Path) -> TaskInfo:
    """What is known of SUN397 under the data folder `root`; decodes nothing."""
    place = root / "SUN397"
    if not (place / "ClassName.txt").is_file():
        missing = (
            f"{place}/ClassName.txt is missing: unpack SUN397.tar.gz there (once at {URL}); "
            f"for the papers' splits also put CoOp's {SPLIT_FILE} beside it"
        )
        return _info("sun397-absent", (), {}, missing)
    data, classes, files = _files(root)
    return _info(data, classes, files)


def load(root: Path, preprocessing: Preprocessing) -> Task:
    """All splits at the backbone's size. Raises InputError naming every unreadable image."""
    data, classes, files = _files(root)
    read = read_splits(root / "SUN397", files, preprocessing)
    return Task(_info(data, classes, files), **read)


def _info(data: str, classes: tuple[str, ...], files: Files, available: str = "") -> TaskInfo:
    return TaskInfo(
        name="sun397",
        data=data,
        description="397 kinds of scenes",
        classes=classes,
        template="This is a photo of a {}",
        sizes={split: len(found) for split, found in files.items()},
        available=available,
    )


def _files(root: Path) -> tuple[str, tuple[str, ...], Files]:
    """Identity of the data, class names, and the files of each split."""
    for place in (root / SPLIT_FILE, root / "SUN397" / SPLIT_FILE):
        if place.is_file():
            return _given(place)
    return _dealt(root / "SUN397")


def _given(path: Path) -> tuple[str, tuple[str, ...], Files]:
    content = path.read_bytes()
    try:
        found: dict[str, list[tuple[str, int, str]]] = json.loads(content)
        files = {
            split: {file: label for file, label, _ in found[split]}
            for split in ("train", "val", "test")
        }
        names = {label: name for rows in found.values() for _, label, name in rows}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            Problem(
                str(path),
                f"{type(error).__name__}: {error}",
                "lists of [file, label, class] under train, val and test",
            )
        ) from error
    classes = tuple(names[label].replace("_", " ") for label in sorted(names))
    return f"split_zhou-{hashlib.sha256(content).hexdigest()[:8]}", classes, files


def _dealt(folder: Path) -> tuple[str, tuple[str, ...], Files]:
    paths = [line[1:].strip() for line in (folder / "ClassName.txt").read_text().splitlines()]
    paths = [path for path in paths if path]
    files: Files = {"train": {}, "val": {}, "test": {}}
    for label, path in enumerate(paths):
        names = [f.relative_to(folder).as_posix() for f in (folder / path).glob("sun_*.jpg")]
        chosen = shuffled(names)[:PER_CLASS]
        test, val = len(chosen) // 2, len(chosen) // 10
        parts = {
            "test": chosen[:test],
            "val": chosen[test : test + val],
            "train": chosen[test + val :],
        }
        for split, part in parts.items():
            files[split] |= dict.fromkeys(sorted(part), label)
    return "hash-40-10-50", tuple(map(_readable, paths)), files


def _readable(path: str) -> str:
    """'a/apartment_building/outdoor' -> 'outdoor apartment building', as CoOp reads it."""
    return " ".join(reversed(path.split("/")[1:])).replace("_", " ")
