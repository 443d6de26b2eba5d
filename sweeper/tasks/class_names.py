"""What classes are called: as a user reads them, and from a JSON file beside the data."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sweeper.errors import InputError, Problem

FORMS = '["cat", "dog"], {"classes": ["cat", "dog"]} or {"0": "cat", "1": "dog"}'


def readable(name: str) -> str:
    """`name` as text: underscores are spaces, no wide or outer spaces, letters composed (NFC)."""
    return " ".join(unicodedata.normalize("NFC", name).replace("_", " ").split())


def beside(data: Path) -> Path:
    """Where the class names of the file or folder `data` are looked for: pets.json."""
    name = data.name if data.is_dir() else data.stem
    return data.parent / f"{name}.json"


def read(path: Path) -> tuple[str, ...] | None:
    """The class names in the file `path`, by label; None where there is no such file.

    Raises InputError where it has none of `FORMS`.
    """
    if not path.is_file():
        return None
    try:
        found = _names(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(Problem(str(path), f"class names ({error})", FORMS)) from error
    return tuple(map(readable, found))


def unfit(root: str, names: Iterable[str]) -> Iterator[Problem]:
    """Class names, as they were written, that cannot be told apart or written down."""
    seen: dict[str, str] = {}
    for name in names:
        text = readable(name)
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            yield Problem(root, f"a class {name.encode('utf-8', 'surrogateescape')!r}", "UTF-8")
            continue
        if not text:
            yield Problem(root, f"a class '{name}'", "a name with a letter or digit in it")
        twin = seen.setdefault(text, name)
        if twin != name:
            yield Problem(root, f"'{twin}' and '{name}'", "class names that differ")


def _names(found: Any) -> list[str]:
    if isinstance(found, dict) and "classes" in found:
        found = found["classes"]
    if isinstance(found, dict):
        labels = {str(label) for label in range(len(found))}
        if labels != found.keys():
            raise ValueError(f"the keys are not the labels 0 to {len(found) - 1}")
        found = [found[str(label)] for label in range(len(found))]
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise ValueError("no list of texts")
    return found
