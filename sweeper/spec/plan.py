"""What one launch of a sweep will do: the cells, their trials, the tables they fill.

A `Plan` is what `spec.load` makes of a sweep file under one profile. It is plain data: the
driver launches from it, the writer stores it beside the runs, and a report is a function of it
and of the store.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sweeper.spec.shown import Curve, Figure, Table
from sweeper.spec.trial import TrialSpec


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Metric(_Frozen):
    """What a sweep is after."""

    name: str = "test/acc"
    goal: Literal["maximize", "minimize"] = "maximize"


class Role(_Frozen):
    """A cell is row `label` of the ablation along `axis`; `value` is what the axis holds there."""

    axis: str
    label: str
    value: int | float | str | bool | None = None
    target_row: str = ""  # the row of the published table, when it is called otherwise
    place: int = Field(0, exclude_if=operator.not_)  # in its axis, as the sweep file has it


class Cell(_Frozen):
    """One configuration without its seed. `over` are its coordinates among the crossed factors."""

    id: str
    config: dict[str, Any]  # TrialSpec.flat() without the seed
    over: dict[str, str] = {}  # such as {"task": "digits"}: the column of a table
    # Crossed factor -> what the published table calls its value, where it is called otherwise
    printed: dict[str, str] = Field({}, exclude_if=operator.not_)
    roles: tuple[Role, ...] = ()
    base: bool = False  # the settings of `base` themselves; the others vary one thing of it
    trials: tuple[TrialSpec, ...] = ()
    skip: str = ""  # why the backbone cannot carry it; then there are no trials


class EarlyTerminate(_Frozen):
    """Asynchronous successive halving; epochs are its unit."""

    type: Literal["asha"] = "asha"
    min_iter: int = Field(1, ge=1, description="epochs that every trial gets")
    eta: int = Field(3, ge=2, description="one in `eta` goes on at each rung")


class Search(_Frozen):
    """An adaptive search over `space`, starting from the settings in `base`."""

    method: Literal["tpe", "random"] = "tpe"
    num_trials: int = Field(20, ge=1)
    base: dict[str, Any]  # flat settings that the search does not touch
    space: dict[str, dict[str, Any]]  # parameter -> {"kind": "choice", "values": [...]} and so on
    when: dict[str, dict[str, list[Any]]] = {}  # parameter -> what must hold for it to vary
    weights: str = ""  # identity of the backbone's weights
    data: str = ""  # identity of the task's data
    # Parameter that names another task -> name of the task -> identity of its data
    others: dict[str, dict[str, str]] = Field({}, exclude_if=operator.not_)
    early_terminate: EarlyTerminate | None = None
    metric: Metric = Metric(name="val/acc")  # never a test metric: selection reads val


class Budget(_Frozen):
    """Where a launch stops by itself; the next launch goes on. Not part of any identity."""

    max_trials: int | None = Field(None, ge=1)
    max_hours: float | None = Field(None, gt=0)
    max_silence_minutes: float = Field(
        60,
        gt=0,
        description="a trial that says nothing for so long is ended and tried again; more than its "
        "longest epoch, with the preparation of its data before the first and its test after the "
        "last",
    )


class Resources(_Frozen):
    """What one trial gets. Not part of a trial's identity."""

    cpus: float = Field(1, gt=0)
    gpus: float = Field(0, ge=0)
    workers: int = Field(1, ge=1)
    launcher: Literal["auto", "inline", "train"] = "auto"
    shortcuts: bool = Field(
        True, description="false: every token through every block, nothing computed only once"
    )


class Plan(_Frozen):
    """A sweep under one profile, expanded. Either `search` is None and `cells` hold every trial,
    or the trials are drawn as the search goes and `cells` hold only fixed comparisons.
    """

    sweep: str
    profile: str
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    metric: Metric = Metric()
    tables: tuple[Table, ...] = ()
    curves: tuple[Curve, ...] = ()
    figures: tuple[Figure, ...] = Field((), exclude_if=operator.not_)
    search: Search | None = None
    resources: Resources = Resources()
    budget: Budget = Budget()
    note: str = ""  # shown at the top of the report
    min_seeds: int = 3  # cells with fewer finished seeds are marked
    settings: dict[str, Any] = {}  # sections of the sweep file under the profile, as written
    sources: dict[str, str] = {}  # user's files: identity -> path(s); the only paths in a plan

    def trials(self) -> list[TrialSpec]:
        """Every trial once, in the order of the cells."""
        found = {trial.id: trial for cell in self.cells for trial in cell.trials}
        return list(found.values())

    def backbones(self, trials: Iterable[TrialSpec]) -> list[tuple[str, str]]:
        """Name and weights of each backbone that `trials` and the search stand on."""
        named = {(trial.backbone, trial.weights) for trial in trials}
        if self.search is not None:
            named.add((str(self.search.base["backbone"]), self.search.weights))
        return sorted(named)

    @property
    def digest(self) -> str:
        """Digest of all but paths, resources and budget: the same plan has it anywhere."""
        text = self.model_dump_json(exclude={"sources", "resources", "budget"})
        return hashlib.sha256(text.encode()).hexdigest()[:16]
