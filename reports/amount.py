"""A number of a figure: a mean with its interval, what must be known of it, and its run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reports.crossing import Value
from reports.document import Span, Text, text
from reports.footnote import Footnotes
from reports.statistics import difference
from reports.wording import NONE
from sweeper.spec.measure import Measure
from sweeper.tracking.summary import Summary

Place = tuple[str, str]  # of a number in a figure: its row and its column


@dataclass(frozen=True)
class Amount:
    """Of one value, or of its difference to another.

    summary: None where no seed has finished. link: the page of its cell, if it is one.
    """

    summary: Summary | None
    remarks: tuple[str, ...] = ()
    link: str = ""

    @classmethod
    def of(
        cls, value: Value | None, base: Mapping[str, Any], against: Value | None = None
    ) -> Amount | None:
        """`value`, or `value - against` on common seeds; None where there is no value.

        base: the protocol that it stands beside.
        """
        if value is None:
            return None
        summary = difference(value.scores, against.scores) if against else value.summary
        said = [*value.remarks(base), *(against.remarks(base) if against else ())]
        link = value.entries[0].link if len(value.entries) == 1 else ""
        return cls(summary, tuple(dict.fromkeys(said)), link)


def drawn(found: Mapping[Place, Amount], measure: Measure) -> dict[Place, tuple[float, float]]:
    """Mean and half width of the interval, NaN where it has none, of those that have a mean."""
    return {
        place: (
            amount.summary.mean * measure.scale,
            math.nan if amount.summary.ci95 is None else amount.summary.ci95 * measure.scale,
        )
        for place, amount in found.items()
        if amount.summary is not None
    }


def amount_text(
    amount: Amount | None, measure: Measure, notes: Footnotes, *, signed: bool = False
) -> Text:
    """Such as '58.0 ± 2.5 (3)' with the signs of its remarks; a dash where there is none."""
    if amount is None:
        return text(NONE)
    number = written(amount.summary, measure, signed=signed) if amount.summary else NONE
    told = Span(number, link=amount.link)
    mark = notes.mark(amount.remarks)
    return text(told, Span(mark, sign=True)) if mark else text(told)


def written(summary: Summary, measure: Measure, *, signed: bool = False) -> str:
    """Mean, half width of the interval and number of seeds, such as '58.0 ± 2.5 (3)'."""
    told = f"{summary.mean * measure.scale:{'+' if signed else ''},.{measure.digits}f}"
    if summary.ci95 is not None:
        told += f" ± {summary.ci95 * measure.scale:,.{measure.digits}f}"
    return f"{told} ({summary.n})"


def in_unit(measure: Measure) -> str:
    """A measure with its unit, such as 'top-1, %'."""
    return f"{measure.label}, {measure.unit}" if measure.unit else measure.label


def gain_in_unit(measure: Measure, against: str, label: str = "") -> str:
    """A difference with its unit, such as 'top-1: VP - TP, points'."""
    what = f"{label} - {against}" if label else f"difference to {against}"
    unit = "points" if measure.unit == "%" else measure.unit
    return f"{measure.label}: {what}" + (f", {unit}" if unit else "")
