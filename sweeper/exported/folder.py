"""An exported model on disk."""

from __future__ import annotations

from pathlib import Path

from sweeper.errors import InputError, Problem
from sweeper.exported.card import card
from sweeper.exported.description import (
    CARD_FILE,
    DESCRIPTION_FILE,
    METHOD_FILE,
    TENSORS_FILE,
    Description,
    describe,
)
from sweeper.train.trained import Trained
from sweeper.train.trained import write as write_trained


def check_folder(folder: Path, identity: str) -> None:
    """Raises InputError unless `folder` is absent, empty, or an export of the same `identity`."""
    where, rule = f"folder {folder}", f"an empty folder, or an earlier export of {identity}"
    hint = "Give another with --to."
    if folder.exists() and not folder.is_dir():
        raise InputError(Problem(where, "it is a file", rule, hint))
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not (folder / DESCRIPTION_FILE).is_file():
        raise InputError(Problem(where, "there are other files in it", rule, hint))
    other = describe(folder).id
    if other != identity:
        raise InputError(Problem(where, f"it holds an export of {other}", rule, hint))


def write(
    folder: Path, description: Description, trained: Trained, source: bytes | None = None
) -> None:
    """Write the export to `folder`, over an earlier one of the same model.

    The description comes first: what is cut short there is known for what it is, and is written
    whole by the next try. Raises InputError as `check_folder`.
    """
    check_folder(folder, description.id)
    folder.mkdir(parents=True, exist_ok=True)
    text = description.model_dump_json(indent=1)
    (folder / DESCRIPTION_FILE).write_text(text + "\n", encoding="utf-8")
    write_trained(trained, folder / TENSORS_FILE)
    if source is not None:
        (folder / METHOD_FILE).write_bytes(source)
    text = card(description, folder=folder.resolve().name, own_file=source is not None)
    (folder / CARD_FILE).write_text(text, encoding="utf-8")
