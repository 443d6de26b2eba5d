"""What the report of a sweep shows: its tables, its curves and its other figures.

All of them arrange cells along an `axis` of the sweep (of `ablate`, or of a grid in `parameters`),
crossed with the factors of `over`. A `target` is a published table or figure, such as 'pgn/T3a'.
"""

from __future__ import annotations

import operator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sweeper.spec.measure import TOP1


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _later(default: Any, description: str) -> Any:
    """A field that is not written at its default, so that the digests of recorded plans stay."""
    return Field(
        default,
        description=description,
        exclude_if=lambda value: value == default,
    )


def _listed(value: Any) -> Any:
    """A list, as it is written in a file, where a tuple is kept."""
    return tuple(value) if isinstance(value, list) else value


Labels = Annotated[tuple[str, ...], BeforeValidator(_listed)]


_AVERAGES = """\
name of an average -> the values of the factor `across` that it is over, an empty list for all; its
members count the same whatever their size"""
_ACROSS = "the crossed factor that averages, bars and points are over"
_MIXED = "several protocols may stand in a row of it, or in the curve; each departure is marked"
_MEASURE = "what is shown: test/acc, seconds, analysis/<analysis>/<result>, ..."


class Table(_Frozen):
    """Rows are the labels of `axis`, columns the combinations of the crossed factors."""

    id: str
    title: str
    axis: str
    target: str = ""
    mixed_protocols: bool = Field(False, exclude_if=operator.not_, description=_MIXED)
    rows: Labels = _later((), "crossed factors that stand in the rows, before the axis")
    measure: str = _later(TOP1, _MEASURE)
    averages: dict[str, Labels] = _later({}, _AVERAGES)
    across: str = _later("task", _ACROSS)


class Curve(_Frozen):
    """A measure against the values of `axis`; a line for each combination of crossed factors."""

    id: str
    title: str
    axis: str
    target: str = ""
    mixed_protocols: bool = Field(False, exclude_if=operator.not_, description=_MIXED)
    panels: str = _later("", "the crossed factor whose values have a panel each")
    averages: dict[str, Labels] = _later({}, f"{_AVERAGES}; a panel each")
    across: str = _later("task", _ACROSS)
    x: Literal["setting", "trainable_parameters"] = _later("setting", "what runs along the axis x")
    scale: Literal["log", "linear", "labels"] = _later(
        "log", "of x; labels: one place for each label, in the order of the sweep file"
    )
    measure: str = _later(TOP1, _MEASURE)


class Figure(_Frozen):
    """Bars, points, a heat map, or what analyses of the trials drew.

    bars: for each value of `across`, or for each average where there are any, the measure of each
        label of `axis`, or its difference to the label `against`, sorted by size.
    scatter: that difference for each value of `across`, against the measure `x` of the cells of the
        label `x_of`.
    heatmap: labels of `axis` down, values of `across` along, each column divided by its highest
        where `normalise` says so.
    analysis: what the analysis `analysis` found and drew of each cell along `axis`, or of the
        labels in `of`.
    """

    id: str
    title: str
    axis: str
    kind: Literal["bars", "scatter", "heatmap", "analysis"]
    target: str = ""
    mixed_protocols: bool = Field(False, exclude_if=operator.not_, description=_MIXED)
    across: str = _later("task", _ACROSS)
    averages: dict[str, Labels] = _later({}, _AVERAGES)
    measure: str = _later(TOP1, _MEASURE)
    against: str = _later("", "bars, scatter: the label of the axis that others are compared with")
    of: Labels = _later((), "the labels of the axis that are shown; empty: all")
    x: str = _later("", "scatter: the measure along the axis x")
    x_of: str = _later("", "scatter: the label of the axis whose cells x is measured on")
    normalise: bool = _later(False, "heatmap: each column divided by its highest value")
    analysis: str = _later("", "analysis: the name of it, as `sweeper analyse` knows it")
