"""Which published tables and figures the sweep files regenerate, and under which settings.

Only the files are read, no method, backbone or data: so it works where none of the data is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeper.spec.axis import Axis, read_axes
from sweeper.spec.document import read
from sweeper.spec.layers import layered
from sweeper.spec.node import Mistakes, Node
from sweeper.spec.report import read_report
from sweeper.spec.shown import Curve, Figure, Table


@dataclass(frozen=True)
class Shown:
    """A table, a curve or a figure that a sweep file asks for under one profile.

    target: the published one, such as 'pgn/T3a'; the paper that the file is called after with the
        id counts as one too. settings: of the base. varied: the settings that its axis changes,
        but for entries with a method of their own.
    """

    file: str
    profile: str
    target: str
    settings: Mapping[str, Any]
    varied: frozenset[str]


def shown_in(folder: Path, mistakes: Mistakes) -> list[Shown]:
    """What the sweep files of `folder` ask for under each of their profiles, by file."""
    return [each for path in sorted(folder.glob("*.y*ml")) for each in _of(path, mistakes)]


def _of(path: Path, mistakes: Mistakes) -> Iterator[Shown]:
    written = read(path, mistakes)
    sections = written.items if written is not None else {}
    profiles = sections["profiles"].items if "profiles" in sections else {}
    names: list[str | None] = [*profiles]
    for profile in names or [None]:
        sweep, name = layered(path, profile, {}, mistakes)
        if sweep is not None:
            yield from _under(path, name, sweep, mistakes)


def _under(path: Path, profile: str, sweep: Node, mistakes: Mistakes) -> Iterator[Shown]:
    parts = sweep.items
    read_as = [(parts.get(word), word) for word in ("ablate", "parameters")]
    searched = "search" in parts  # then 'parameters' are drawn from and are no axes
    axes = [
        axis
        for section, word in read_as
        if not (searched and word == "parameters")
        for axis in read_axes(section, word, mistakes)
    ]
    over = read_axes(parts.get("over"), "over", mistakes)
    base = parts["base"].items if "base" in parts else {}
    settings = {name: node.plain() for name, node in base.items()}
    varied = {axis.name: _varied(axis, settings.get("method")) for axis in axes}
    report = read_report(parts.get("report"), axes, over, mistakes)
    paper = path.stem.partition("_")[0]
    asked: list[Table | Curve | Figure] = [*report.tables, *report.curves, *report.figures]
    for each in asked:
        for target in dict.fromkeys([each.target, f"{paper}/{each.id}"]):
            if target:
                yield Shown(path.name, profile, target, settings, varied[each.axis])


def _varied(axis: Axis, method: object) -> frozenset[str]:
    entries = [each.changes for each in axis.entries]
    own = [e for e in entries if "method" not in e or e["method"].plain() == method]
    return frozenset(name for changes in own for name in changes)
