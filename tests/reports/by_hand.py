"""Recordings made by hand: cells along an axis, crossed with factors, with scores as given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from reports.document import Block, Grid, Paragraph, Picture, plain
from reports.entry import Entry
from reports.query import Recording
from reports.statistics import Scores
from sweeper.spec.plan import Cell, Plan, Role
from sweeper.tracking.history import Launch
from tests.tracking.made import cell

SEEDS = (0, 1, 2)


@dataclass
class Made:
    """Cells and their entries, as they are added."""

    axis: str = "prompt_length"
    cells: list[Cell] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)

    def add(
        self,
        label: object,
        scores: Sequence[float] | Mapping[int, float],
        *,
        measured: Mapping[str, Sequence[float]] | None = None,
        parameters: int | None = 1000,
        axis: str | None = None,
        link: str = "",
        config: Mapping[str, object] | None = None,
        **over: str,
    ) -> None:
        """A cell at `label`, of the crossed factors `over`; config: settings of its own."""
        value = label if isinstance(label, int | float) else str(label)
        role = Role(axis=axis or self.axis, label=str(label), value=value)
        own = cell(role, over=dict(over), seeds=SEEDS, what=str((axis, label, *over.items())))
        own = own.model_copy(update={"config": {**own.config, **(config or {})}})
        by_seed = dict(scores) if isinstance(scores, Mapping) else dict(enumerate(scores))
        others = {k: Scores(dict(enumerate(values))) for k, values in (measured or {}).items()}
        self.cells.append(own)
        self.entries[own.id] = Entry(
            own, Scores(by_seed), {}, 3, parameters, measured=others, link=link
        )

    def add_zero_shot(self, score: float, **over: str) -> None:
        """TP, which is deterministic, along an axis of its own."""
        role = Role(axis="method", label="TP")
        own = cell(role, over=dict(over), seeds=(0,), method="tp", epochs=0)
        self.cells.append(own)
        self.entries[own.id] = Entry(own, Scores({0: score}, deterministic=True), {}, 3, 0)

    @property
    def plan(self) -> Plan:
        return Plan(sweep="made", profile="", seeds=SEEDS, cells=tuple(self.cells))

    @property
    def recording(self) -> Recording:
        launch = Launch("r", "made", "", "d", 0, {}, "")
        return Recording("", launch, self.plan, pd.DataFrame())


def grid(blocks: Sequence[Block]) -> Grid:
    """The first table among `blocks`."""
    return next(block for block in blocks if isinstance(block, Grid))


def rows(blocks: Sequence[Block]) -> list[list[str]]:
    """The rows of the first table, as plain text."""
    return [[plain(each) for each in row] for row in grid(blocks).rows]


def notes(blocks: Sequence[Block]) -> list[str]:
    """The notes below the first table."""
    return [plain(each) for each in grid(blocks).notes]


def said(blocks: Sequence[Block]) -> list[str]:
    """The paragraphs."""
    return [plain(block.content) for block in blocks if isinstance(block, Paragraph)]


def picture(blocks: Sequence[Block]) -> Picture:
    """The one picture."""
    (found,) = [block for block in blocks if isinstance(block, Picture)]
    return found


def is_drawn(found: Picture) -> bool:
    """Whether it is there in each kind of file."""
    begins = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG"}
    return {kind: data[: len(begins[kind])] for kind, data in found.files.items()} == begins
