"""Published numbers, as data with their source, and when ours may be compared with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator
from ruamel.yaml import YAML

from sweeper.errors import InputError, Problem, nearest
from sweeper.spec.protocol import protocol_of
from sweeper.spec.trial import Recipe

_OTHER = "other settings ("
_ALL_DATA = {"shots": 0, "data_fraction": 1.0}  # unless a paper states otherwise
FOLDER = Path(__file__).parent / "papers"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Erratum(_Frozen):
    """What is wrong in the paper about a row, or about one of its values; the value stays."""

    row: str
    column: str = ""  # empty: the whole row
    text: str


class PublishedTable(_Frozen):
    """One table of a paper, or one figure whose points it prints.

    rows: label -> column -> value, as printed; where several things make a row, their labels are
        joined by ' / ', the outermost first.
    protocol: how it was measured, under the names of a trial's settings. settings: row -> what is
        otherwise in that row, `backbone` among it.
    backbone: empty where it is the paper's. columns: empty where they are the paper's.
    """

    source: str
    caption: str
    unit: Literal["percent", "points", "millions", "seconds", "count", "nmi", "text"] = "percent"
    protocol: dict[str, int | float | str] = {}
    settings: dict[str, dict[str, int | float | str]] = {}
    backbone: str = ""
    columns: dict[str, str] = {}
    note: str = ""
    errors: tuple[Erratum, ...] = ()
    rows: dict[str, dict[str, int | float | str]]


class Paper(_Frozen):
    """The tables of one paper. `columns`: name in the paper -> our task, empty for no task."""

    paper: str
    title: str
    backbone: str
    columns: dict[str, str]
    tables: dict[str, PublishedTable]

    @model_validator(mode="after")
    def _only_known_names(self) -> Paper:
        for name, table in self.tables.items():
            columns = table.columns or self.columns
            named = {(row, column) for row, values in table.rows.items() for column in values}
            named |= {(each.row, each.column) for each in table.errors if each.column}
            for row, column in sorted(named):
                if column not in columns:
                    where = f"{self.paper}/{name}, row '{row}'"
                    raise ValueError(f"{where}: unknown column '{column}'")
            for row in [*table.settings, *(each.row for each in table.errors)]:
                if row not in table.rows:
                    raise ValueError(f"{self.paper}/{name}: unknown row '{row}'")
        return self

    def columns_of(self, table: str) -> list[str]:
        """The columns that `table` has values in, in the paper's order."""
        used = {column for row in self.tables[table].rows.values() for column in row}
        return [column for column in self._columns(table) if column in used]

    def task_of(self, table: str, column: str) -> str:
        """Our task of a column of `table`; empty where it is none."""
        return self._columns(table)[column]

    def backbone_of(self, table: str, row: str) -> str:
        """The backbone that a row of `table` was measured on."""
        own = self.tables[table].settings.get(row, {}).get("backbone")
        return str(own or self.tables[table].backbone or self.backbone)

    def _columns(self, table: str) -> dict[str, str]:
        return self.tables[table].columns or self.columns


def known() -> list[str]:
    """The names of the papers."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def published(target: str) -> tuple[Paper, str]:
    """The paper and the table that `target`, such as 'pgn/T3a', names. Raises InputError."""
    name, _, table = target.partition("/")
    if name not in known():
        problem = Problem("target", f"'{target}'", "PAPER/TABLE", nearest(name, known()))
        raise InputError(problem)
    paper = read_paper(name)
    if table not in paper.tables:
        there = [f"{name}/{key}" for key in paper.tables]
        problem = Problem("target", f"'{target}'", "a published table", nearest(target, there))
        raise InputError(problem)
    return paper, table


def obstacles(
    paper: Paper, table: str, column: str, config: Mapping[str, Any], row: str = ""
) -> list[str]:
    """Why our cell `config` is not comparable with `column` of `table`, in `row` if that has
    settings of its own; empty if it is.
    """
    found = []
    settings = {**dict(Recipe()), **config, **protocol_of(config)}  # defaults are not in a config
    if config.get("backbone") != paper.backbone_of(table, row):
        found.append("another backbone")
    if config.get("task") != paper.task_of(table, column):
        found.append("other data")
    if not config.get("epochs"):  # without training there is no recipe to differ in
        settings = protocol_of(config)
    published = paper.tables[table]
    protocol = _ALL_DATA | published.protocol | published.settings.get(row, {})
    other = [k for k, v in protocol.items() if k in settings and settings[k] != v]
    other = [name for name in other if name not in ("backbone", "task")]
    if other:
        found.append(f"{_OTHER}{', '.join(other)})")
    return found


def in_one(reasons: Iterable[str]) -> str:
    """Obstacles of several cells in one line, each once, the settings that differ together."""
    once = dict.fromkeys(reasons)
    settings = [each[len(_OTHER) : -1].split(", ") for each in once if each.startswith(_OTHER)]
    names = dict.fromkeys(name for several in settings for name in several)
    together = [f"{_OTHER}{', '.join(names)})"] if names else []
    return "; ".join([*(each for each in once if not each.startswith(_OTHER)), *together])


@cache
def read_paper(name: str) -> Paper:
    """The paper `name`, one of those that are `known`."""
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    return Paper.model_validate(YAML(typ="safe", pure=True).load(text))
