"""Published numbers, as data with their source, and when ours may be compared with them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator
from ruamel.yaml import YAML

from sweeper.errors import InputError, Problem, nearest
from sweeper.spec.protocol import protocol_of
from sweeper.spec.trial import Recipe

_ALL_DATA = {"shots": 0, "data_fraction": 1.0}  # unless a paper states otherwise
FOLDER = Path(__file__).parent / "papers"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PublishedTable(_Frozen):
    """One table of a paper. `rows`: label -> column -> top-1 in percent."""

    source: str
    caption: str
    protocol: dict[str, int | float | str]
    note: str = ""
    rows: dict[str, dict[str, float]]


class Paper(_Frozen):
    """The tables of one paper, all measured on one backbone. `columns`: name -> our task."""

    paper: str
    title: str
    unit: Literal["percent"]
    backbone: str
    columns: dict[str, str]
    tables: dict[str, PublishedTable]

    @model_validator(mode="after")
    def _only_known_columns(self) -> Paper:
        for name, table in self.tables.items():
            for row, values in table.rows.items():
                unknown = sorted(set(values) - set(self.columns))
                if unknown:
                    raise ValueError(f"{self.paper}/{name}, row '{row}': unknown column {unknown}")
        return self

    def columns_of(self, table: str) -> list[str]:
        """The columns that `table` has values in, in the paper's order."""
        used = {column for row in self.tables[table].rows.values() for column in row}
        return [column for column in self.columns if column in used]


def published(target: str) -> tuple[Paper, str]:
    """The paper and the table that `target`, such as 'pgn/T3a', names. Raises InputError."""
    name, _, table = target.partition("/")
    papers = sorted(path.stem for path in FOLDER.glob("*.yaml"))
    if name not in papers:
        problem = Problem("target", f"'{target}'", "PAPER/TABLE", nearest(name, papers))
        raise InputError(problem)
    paper = _read(name)
    if table not in paper.tables:
        known = [f"{name}/{key}" for key in paper.tables]
        problem = Problem("target", f"'{target}'", "a published table", nearest(target, known))
        raise InputError(problem)
    return paper, table


def obstacles(paper: Paper, table: str, column: str, config: Mapping[str, Any]) -> list[str]:
    """Why our cell `config` is not comparable with `column` of `table`; empty if it is."""
    found = []
    settings = {**dict(Recipe()), **config, **protocol_of(config)}  # defaults are not in a config
    if config.get("backbone") != paper.backbone:
        found.append("another backbone")
    if config.get("task") != paper.columns[column]:
        found.append("other data")
    if not config.get("epochs"):  # without training there is no recipe to differ in
        settings = protocol_of(config)
    protocol = _ALL_DATA | paper.tables[table].protocol
    other = [k for k, v in protocol.items() if k in settings and settings[k] != v]
    if other:
        found.append(f"other settings ({', '.join(other)})")
    return found


@cache
def _read(name: str) -> Paper:
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    return Paper.model_validate(YAML(typ="safe", pure=True).load(text))
