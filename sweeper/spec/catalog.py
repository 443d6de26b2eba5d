"""What a sweep file is checked against: the names that exist and what they accept.

The loader of sweep files knows no method, backbone or task; it asks a `Catalog`. The real one
is `sweeper.catalog.Installed`; tests of the loader bring a small one of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sweeper.spec import trial


class MethodEntry(Protocol):
    """A method as the loader sees it."""

    @property
    def identity(self) -> str: ...

    @property
    def trains(self) -> bool: ...

    @property
    def tasks(self) -> tuple[str, ...]:
        """Parameters that name another task; empty for none."""
        ...

    def defaults(self) -> Mapping[str, Any]:
        """Every parameter with its default."""
        ...

    def check(self, params: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Mistakes in `params` as (parameter name, rule that is broken); empty if none."""
        ...

    def complete(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """`params` with defaults filled in, in canonical types. Call after `check`."""
        ...

    def presets(self) -> Mapping[str, Mapping[str, Any]]:
        """Named settings of parameters, recipe and protocol."""
        ...

    def schema(self) -> Mapping[str, Any]:
        """JSON Schema of the parameters, `{"properties": {...}}`."""
        ...


@dataclass(frozen=True)
class Data:
    """A task as the loader sees it."""

    name: str  # free of paths
    identity: str
    source: str = ""  # with absolute paths where it is made of the user's folders, else empty


@dataclass(frozen=True)
class Weights:
    """A backbone as the loader sees it."""

    name: str  # free of paths
    identity: str
    source: str = ""  # the absolute path where it is the user's file, else empty


class Catalog(Protocol):
    """Names that a sweep file may use. A name with a '/' or a leading '.' may be a path,
    taken relative to `folder`, the folder of the sweep file.
    """

    def methods(self) -> Sequence[str]: ...

    def backbones(self) -> Sequence[str]: ...

    def tasks(self) -> Sequence[str]: ...

    def method(self, name: str, folder: Path) -> MethodEntry:
        """Raises InputError when there is none, or the file is not a method."""
        ...

    def backbone(self, name: str, folder: Path) -> Weights:
        """The backbone of that name, or with the weights in that file. Raises InputError when
        there is none, or the file does not fill it.
        """
        ...

    def task(self, name: str, folder: Path) -> Data:
        """The task of that name; names joined by '+' are one. Raises InputError; reads every
        image of a folder, so that an unreadable one is named before anything is launched.
        """
        ...

    def template(self, task: str, template: str, folder: Path) -> None:
        """Raises InputError where the classes of the task cannot be written into the template."""
        ...

    def skip(
        self,
        method: str,
        params: Mapping[str, Any],
        backbone: Weights,
        protocol: trial.Protocol,
        folder: Path,
    ) -> str:
        """Why the backbone cannot carry the method with these parameters, or cannot have the
        protocol's words about it; empty if it can.
        """
        ...
