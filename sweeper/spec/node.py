"""A value of a sweep file together with where it was written, and the user's mistakes about it.

A node keeps its place through `extends`, profiles and `--set`, so that every message names the
line that caused it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sweeper.errors import InputError, Place, Problem, nearest

Scalar = int | float | str | bool | None


@dataclass(frozen=True)
class Node:
    """A scalar, a sequence or a mapping, at `place`; `key` is the place of the key before it."""

    value: Scalar | tuple[Node, ...] | dict[str, Node]
    place: Place
    folder: Path = Path()  # what relative paths in the value are relative to
    key: Place | None = None

    @property
    def start(self) -> Place:
        """The place of the key if there is one, else of the value."""
        return self.key or self.place

    @property
    def items(self) -> Mapping[str, Node]:
        """The entries of a mapping; none for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def elements(self) -> tuple[Node, ...]:
        """The elements of a sequence; none for anything else."""
        return self.value if isinstance(self.value, tuple) else ()

    @property
    def scalar(self) -> bool:
        """Whether the value is a single value."""
        return not isinstance(self.value, tuple | dict)

    @property
    def kind(self) -> str:
        """What the value is, for messages."""
        if isinstance(self.value, dict):
            return "a mapping"
        return "a list" if isinstance(self.value, tuple) else repr(self.value)

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return self.value


def merge(below: Node, above: Node) -> Node:
    """`above` laid over `below`: mappings merge, lists and single values replace."""
    if not (isinstance(below.value, dict) and isinstance(above.value, dict)):
        return above
    merged = dict(below.value)
    for name, node in above.value.items():
        merged[name] = merge(merged[name], node) if name in merged else node
    return Node(merged, below.place, below.folder, below.key)


@dataclass
class Mistakes:
    """The mistakes found so far; what is wrong at one place is noted once."""

    found: dict[tuple[Place | str, str], Problem] = field(default_factory=dict)

    def add(self, where: Place | str, got: str, expected: str, hint: str = "") -> None:
        """Note one mistake."""
        self.found.setdefault((where, got), Problem(where, got, expected, hint))

    def unknown(self, where: Place, what: str, name: str, known: Iterable[str], rule: str) -> None:
        """Note the name of a `what` that does not exist, with the nearest that does."""
        self.add(where, f"unknown {what} '{name}'", rule, nearest(name, sorted(known)))

    def adopt(self, node: Node, error: InputError) -> None:
        """Note what another part found wrong with the value of `node`."""
        for problem in error.problems:
            place = str(problem.where)
            got = f"{place}: {problem.got}" if place else problem.got
            self.add(node.place, got, problem.expected, problem.hint)

    def error(self) -> InputError:
        """All of them, in the order of the files' lines."""
        return InputError(sorted(self.found.values(), key=_position))


def _position(problem: Problem) -> tuple[str, int, int]:
    where = problem.where
    if isinstance(where, Place):
        return (where.file, where.line, where.column)
    return (where, 0, 0)
