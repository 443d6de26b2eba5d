"""The names that a sweep file may use: what is installed here. See `sweeper.spec.catalog`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sweeper import discovery
from sweeper.backbones import towers
from sweeper.backbones.setting import Setting
from sweeper.errors import InputError, Problem, nearest
from sweeper.method import Plugin
from sweeper.spec.catalog import Data, Weights
from sweeper.spec.sources import is_weights_path, parted
from sweeper.spec.trial import Protocol
from sweeper.tasks import catalog as tasks
from sweeper.tasks.template import worded


@dataclass(frozen=True)
class InstalledMethod:
    """A plugin as the loader of sweep files sees it, a `MethodEntry`."""

    plugin: Plugin

    @property
    def identity(self) -> str:
        """Its name, with the digest of the source for a file that is not built in."""
        return self.plugin.identity

    @property
    def trains(self) -> bool:
        """Whether it has anything to train."""
        return self.plugin.trains

    @property
    def tasks(self) -> tuple[str, ...]:
        """Parameters that name another task."""
        return self.plugin.tasks

    def defaults(self) -> Mapping[str, Any]:
        """Every parameter with its default, also those that are not written at it."""
        return dict(self.plugin.params())

    def check(self, params: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Mistakes as (parameter, rule that is broken)."""
        try:
            self.plugin.params(**params)
        except ValidationError as error:
            return [
                self._explain(each["type"], each["loc"], each["msg"]) for each in error.errors()
            ]
        return []

    def complete(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """`params` with defaults, in canonical types."""
        return self.plugin.params(**params).model_dump()

    def presets(self) -> Mapping[str, Mapping[str, Any]]:
        """Named settings of parameters, recipe and protocol."""
        return self.plugin.presets

    def schema(self) -> Mapping[str, Any]:
        """JSON Schema of the parameters."""
        return self.plugin.params.model_json_schema()

    def _explain(self, kind: str, place: tuple[int | str, ...], text: str) -> tuple[str, str]:
        name = str(place[0]) if place else "parameters"
        if kind == "extra_forbidden":
            hint = nearest(name, list(self.plugin.params.model_fields))
            text = f"no parameter of method '{self.plugin.name}'. {hint}".rstrip(". ")
        return name, text


class Installed:
    """The `Catalog` of this installation."""

    def methods(self) -> Sequence[str]:
        """Names of methods; none is imported."""
        return discovery.names()

    def backbones(self) -> Sequence[str]:
        """Names of backbones. Imports open_clip, which takes seconds."""
        return towers.names()

    def tasks(self) -> Sequence[str]:
        """Names of built-in tasks."""
        return tasks.names()

    def method(self, name: str, folder: Path) -> InstalledMethod:
        """The method of that name, or in that file. Raises InputError."""
        return InstalledMethod(discovery.find(name, folder))

    def backbone(self, name: str, folder: Path) -> Weights:
        """Its name, the identity of its weights and where they lie. Raises InputError."""
        return towers.find(name, folder)

    def task(self, name: str, folder: Path) -> Data:
        """Its name, its data's identity and where it lies. Raises InputError."""
        info = tasks.describe(name, folder)
        if info.available:
            raise InputError(Problem("task", f"'{name}'", "its files", info.available))
        source = tasks.located(name, folder) if tasks.folders_of(name, folder) else ""
        return Data(info.name, info.data, source)

    def template(self, task: str, template: str, folder: Path) -> None:
        """Raises InputError where the classes of the task cannot be written into the template."""
        worded(tasks.describe(task, folder), template)

    def skip(
        self,
        method: str,
        params: Mapping[str, Any],
        backbone: Weights,
        protocol: Protocol,
        folder: Path,
    ) -> str:
        """Why the backbone cannot carry the method with these parameters, or cannot have the
        protocol's words about it; empty if it can.
        """
        plugin, setting = discovery.find(method, folder), Setting.of(protocol)
        info = towers.describe(backbone.name, path=backbone.source)
        reason = setting.misfit(info)
        return reason or plugin.skip(plugin.params(**params), setting.described(info)) or ""


class Supplied(Installed):
    """What is installed, with public data and files of weights that are not on this machine as if
    they were: enough to say what a sweep would run. `missing`: name of a data set or file -> what
    is missing and where to get it. Of a file its name must say what it is like.
    """

    def __init__(self) -> None:
        self.missing: dict[str, str] = {}

    def task(self, name: str, folder: Path) -> Data:
        """As `Installed.task`, but for public data that is missing."""
        info = tasks.describe(name, folder)
        absent = {part: tasks.describe(part, folder) for part in tasks.parts_of(name, folder)}
        absent = {part: found for part, found in absent.items() if found.available}
        if not absent or not set(absent) <= set(tasks.names()):
            return super().task(name, folder)
        self.missing |= {part: found.available for part, found in absent.items()}
        return Data(info.name, info.data)

    def backbone(self, name: str, folder: Path) -> Weights:
        """As `Installed.backbone`, but for a file that is missing: the release that it is like."""
        path, like = parted(name)
        if not is_weights_path(name) or not like or (folder / Path(path).expanduser()).is_file():
            return super().backbone(name, folder)
        self.missing[path] = f"no such file; planned for as {like}"
        return super().backbone(like, folder)
