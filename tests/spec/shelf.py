"""A small catalog for the loader's tests: five methods, three backbones, three tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sweeper.errors import InputError, Problem, nearest
from sweeper.spec.catalog import Data, Weights
from sweeper.spec.sources import is_weights_path, name_of, parted
from sweeper.spec.trial import Protocol


class _Params(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Pgn(_Params):
    prompt_length: int = Field(8, ge=1, le=4096, description="number of prompts")
    library_size: int = Field(64, ge=1, description="tokens in the library")
    trunk: Literal["mlp", "resnet10", "resnet18"] = "resnet10"
    resolution: int = Field(64, ge=10)
    init_scale: float = Field(1.0, gt=0)


class Iip(_Params):
    prompt_length: int = Field(8, ge=1)


class Lp(_Params):
    bias: bool = True


class Tp(_Params):
    pass


class Spt(_Params):
    source: str = ""  # names another task
    length: int = 8


_PRESET = {"prompt_length": 16, "library_size": 256, "epochs": 1000, "warmup_epochs": 50}
_OFFICIAL = {"epochs": 100, "train_on": "train+val", "selection": "best_test"}


@dataclass(frozen=True)
class Entry:
    """A method of the shelf, as the loader sees one."""

    identity: str
    model: type[BaseModel]
    trains: bool = True
    named: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()

    def defaults(self) -> Mapping[str, Any]:
        return self.model().model_dump()

    def check(self, params: Mapping[str, Any]) -> list[tuple[str, str]]:
        try:
            self.model(**params)
        except ValidationError as error:
            return [(str(each["loc"][0]), each["msg"]) for each in error.errors()]
        return []

    def complete(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return self.model(**params).model_dump()

    def presets(self) -> Mapping[str, Mapping[str, Any]]:
        return self.named

    def schema(self) -> Mapping[str, Any]:
        return self.model.model_json_schema()


class Shelf:
    """The catalog. `asked` lists every look-up of a task."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.longest = {"embedded": 64, "textless": 64, "short": 4}

    def methods(self) -> Sequence[str]:
        return ["iip", "lp", "pgn", "spt", "tp"]

    def backbones(self) -> Sequence[str]:
        return [*self.longest]

    def tasks(self) -> Sequence[str]:
        return ["digits", "shapes", "textures"]

    def method(self, name: str, folder: Path) -> Entry:
        entries = {
            "iip": Entry("iip", Iip),
            "lp": Entry("lp", Lp),
            "pgn": Entry("pgn", Pgn, named={"paper": _PRESET, "official": _OFFICIAL}),
            "spt": Entry("spt", Spt, tasks=("source",)),
            "tp": Entry("tp", Tp, trains=False),
        }
        if name in entries:
            return entries[name]
        path = folder / name
        if not path.is_file():
            raise InputError(Problem(f"method '{name}'", "no such file", "a method file"))
        return Entry(f"{path.stem}@0123", Iip)

    def backbone(self, name: str, folder: Path) -> Weights:
        if is_weights_path(name):
            path = folder / parted(name)[0]
            if not path.is_file():
                raise InputError(Problem(f"backbone '{name}'", "no such file", "weights"))
            identity = f"weights-{path.read_text()}"
            return Weights(name_of(name), identity, str(path.resolve()))
        if name not in self.longest:
            rule = "a backbone"
            hint = nearest(name, [*self.longest])
            raise InputError(Problem(f"backbone '{name}'", "unknown", rule, hint))
        return Weights(name, f"{name}-weights")

    def task(self, name: str, folder: Path) -> Data:
        self.asked.append(name)
        if name in self.tasks():
            return Data(name, "v1")
        paths = [folder / part for part in name.split("+")]
        if not all(path.is_dir() for path in paths):
            raise InputError(Problem(f"task '{name}'", "no such folder", "a folder of images"))
        called = "+".join(path.name for path in paths)
        return Data(called, f"{called}@0123", "+".join(str(path.resolve()) for path in paths))

    def template(self, task: str, template: str, folder: Path) -> None:
        del folder
        if template == "coop" and task != "digits":
            where = f"template of task '{task}'"
            raise InputError(Problem(where, "'coop'", "one that it has"))

    def skip(
        self,
        method: str,
        params: Mapping[str, Any],
        backbone: Weights,
        protocol: Protocol,
        folder: Path,
    ) -> str:
        del folder
        if backbone.name == "short" and protocol.pooling != "weights":
            return f"pooling: {protocol.pooling} needs blocks"
        if method == "tp" and backbone.name == "textless":
            return "method 'tp' needs text, which it does not offer"
        if method == "lp" and backbone.name == "short":
            return "its patches are too large"
        length = params.get("prompt_length", 0)
        longest = self.longest.get(backbone.name, 64)
        return f"prompt_length {length} is more than its {longest}" if length > longest else ""
