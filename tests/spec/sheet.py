"""Writes sweep files for tests and reads them with the tests' catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent

from sweeper.errors import InputError
from sweeper.spec.load import load
from sweeper.spec.plan import Plan

from .shelf import Shelf

BASE = """
base:
  method: pgn
  backbone: embedded
  task: digits
"""


def write(folder: Path, text: str, name: str = "sweep.yaml") -> Path:
    """A sweep file with `text` in it."""
    path = folder / name
    path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return path


def plan(
    folder: Path,
    text: str,
    *,
    profile: str | None = None,
    settings: Mapping[str, str] = {},
    seeds: Sequence[int] | None = None,
) -> Plan:
    """The plan of a sweep file with `text` in it."""
    path = write(folder, text)
    return load(path, Shelf(), profile=profile, settings=settings, seeds=seeds)


def complaints(
    folder: Path, text: str, *, profile: str | None = None, settings: Mapping[str, str] = {}
) -> list[str]:
    """What is wrong with `text`, one message a line, without the folder's name."""
    try:
        plan(folder, text, profile=profile, settings=settings)
    except InputError as error:
        return [str(problem).replace(f"{folder}/", "") for problem in error.problems]
    return []
