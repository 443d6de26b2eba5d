"""Plans and what a store would hold of them, made by hand: no store, no writer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from reports.document import Block, Grid, Paragraph, Picture, plain
from reports.entry import COLUMNS, MEASURED, Entry, entries
from reports.query import Recording
from sweeper.spec.plan import Cell, Plan, Role
from sweeper.spec.shown import Table
from sweeper.spec.trial import TrialSpec
from sweeper.tracking.history import Launch
from tests.tracking import made

SEEDS = (0, 1, 2)
NAN = float("nan")
Given = float | str | None | Callable[[Cell, TrialSpec], float | str | None]


def role(label: object, axis: str = "method", target_row: str = "") -> Role:
    value = label if isinstance(label, int | float | str) else str(label)
    return Role(axis=axis, label=str(label), value=value, target_row=target_row)


def cells(
    methods: Sequence[str],
    tasks: Sequence[str],
    *,
    base: str = "",
    seeds: Sequence[int] = SEEDS,
    **over: str,
) -> tuple[Cell, ...]:
    """A cell for each method and task, crossed with the factors `over`, which change nothing."""
    found = []
    for n, method in enumerate(methods):
        for task in tasks:
            lr = {"weight": float(n)} | {f"for_{k}": v for k, v in over.items()}
            one = made.cell(
                role(method),
                over={"task": task, **over},
                seeds=tuple(seeds),
                base=method == base,
                method="pgn",
                **lr,
            )
            found.append(one)
    return tuple(found)


def plan(cells: Sequence[Cell], *tables: Table, seeds: Sequence[int] = SEEDS, few: int = 3) -> Plan:
    return Plan(
        sweep="hand",
        profile="demo",
        seeds=tuple(seeds),
        cells=tuple(cells),
        tables=tables,
        min_seeds=few,
    )


def recording(
    plan: Plan,
    score: Given,
    **measured: Given,
) -> Recording:
    """What a store holds of `plan`. `score`: of each trial the accuracy, or its status, or None
    where it was never begun. `measured`: measure ('/' written as '__') -> its value of a trial.
    Each is the same for all trials, or a function of cell and trial.
    """
    rows = [
        _row(cell, spec, _of(score, cell, spec), measured)
        for cell in plan.cells
        for spec in cell.trials
    ]
    launch = Launch("r1", plan.sweep, plan.profile, plan.digest, 0, {"commit": "abc"}, "")
    links = {cell.id: f"http://ui/{cell.id}" for cell in plan.cells if not cell.skip}
    names = ["trial", "cell", "seed", "status"]
    frame = pd.DataFrame(rows, columns=None if rows else names)
    return Recording("hand", launch, plan, frame, links)


def _of(given: Given, cell: Cell, spec: TrialSpec) -> float | str | None:
    return given(cell, spec) if callable(given) else given


def _row(
    cell: Cell,
    spec: TrialSpec,
    score: float | str | None,
    measured: Mapping[str, Given],
) -> dict[str, object]:
    done = isinstance(score, float)
    status = "finished" if done else (score or "missing")
    own = {measure: column for column, measure in COLUMNS.items()}
    names = {name: name.replace("__", "/") for name in measured}
    return {
        "trial": spec.id,
        "cell": cell.id,
        "seed": spec.seed,
        "link": f"http://ui/{spec.id}" if score else "",
        "status": status,
        "reason": "",
        "reused": False,
        "test_acc": score if done else NAN,
        "test_loss": 0.5 if done else NAN,
        "val_acc": 0.5 if done else NAN,
        "val_loss": 0.5 if done else NAN,
        "trainable_parameters": 1234 if done else NAN,
        "epochs": 3 if done else NAN,
        "seconds": 1.5 if done else NAN,
        "commit": "abc",
        "split_rule": "",
        "config.task": spec.task,
        **{
            own.get(names[name], f"{MEASURED}{names[name]}"): _of(given, cell, spec)
            if done
            else NAN
            for name, given in measured.items()
        },
    }


@dataclass
class Made:
    """Cells along an axis as they are added, with what is measured of each of their trials."""

    axis: str = "prompt_length"
    cells: list[Cell] = field(default_factory=list)
    measured: dict[str, dict[str, dict[int, float]]] = field(default_factory=dict)

    def add(
        self,
        label: object,
        scores: Sequence[float] | Mapping[int, float],
        *,
        measured: Mapping[str, Sequence[float]] | None = None,
        parameters: int = 1234,
        config: Mapping[str, object] | None = None,
        skip: str = "",
        **over: str,
    ) -> str:
        """A cell at `label`, of the crossed factors `over`; its id. config: settings of its own."""
        own = made.cell(role(label, self.axis), over=dict(over), what=str((label, *over.items())))
        own = own.model_copy(update={"config": {**own.config, **(config or {})}, "skip": skip})
        self.cells.append(own.model_copy(update={"trials": ()}) if skip else own)
        by_seed = dict(scores) if isinstance(scores, Mapping) else dict(enumerate(scores))
        others = {name: dict(enumerate(values)) for name, values in (measured or {}).items()}
        counts = dict.fromkeys(by_seed, float(parameters))
        self.measured[own.id] = {"": by_seed, "trainable_parameters": counts, **others}
        return own.id

    def add_zero_shot(self, score: float, **over: str) -> None:
        """TP, which is deterministic, along an axis of its own."""
        own = made.cell(role("TP"), over=dict(over), seeds=(0,), method="tp", epochs=0)
        self.cells.append(own)
        self.measured[own.id] = {"": {0: score}}

    @property
    def plan(self) -> Plan:
        return plan(self.cells)

    @property
    def recording(self) -> Recording:
        names = {name: None for each in self.measured.values() for name in each if name}

        def of(name: str, none: float | None) -> Given:
            return lambda cell, spec: self.measured[cell.id].get(name, {}).get(spec.seed, none)

        return recording(self.plan, of("", None), **{name: of(name, NAN) for name in names})

    @property
    def entries(self) -> dict[str, Entry]:
        return entries(self.recording)


def two_tasks() -> Made:
    """Three lengths on two tasks, three seeds each; the mean rises with the place."""
    made = Made()
    for task, low in (("digits", 0.5), ("shapes", 0.7)):
        for at, length in enumerate((16, 1, 4)):
            made.add(length, [low + 0.01 * at, low, low], task=task)
    return made


def comparable(label: str, task: str = "cifar100", **recipe) -> Cell:
    """A cell under the setting of PGN's Table 3a."""
    own = role(label, "prompt_length")
    ours = made.cell(own, over={"task": task}, epochs=500, prompt_length=int(label))
    settings = {"backbone": "openclip/ViT-B-32-quickgelu@openai", "warmup_epochs": 50, **recipe}
    return ours.model_copy(update={"config": ours.config | settings})


def lines(grid: Grid) -> dict[str, list[str]]:
    """The rows of a grid as plain text, by their first column; in order."""
    return {plain(row[0]): [plain(each) for each in row[1:]] for row in grid.rows}


def headers(grid: Grid) -> list[str]:
    return [plain(header) for header in grid.headers]


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
