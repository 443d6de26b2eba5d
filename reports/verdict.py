"""Whether a published value was reproduced, by a rule that stands in the legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reports.value import Value
from sweeper.spec.measure import Measure

Word = Literal["reproduced", "close", "not reproduced", "not comparable", "no verdict"]
POINTS = 1.0  # of accuracy
SHARE = 0.01  # of the published value, where it is no accuracy

RULE = f"""\
Verdict on a published value. reproduced: it lies inside our 95 % interval, or is what our mean is
rounded to, and it lies within {POINTS:g} point of our mean. close: one of the two. not reproduced:
neither. not comparable: it was measured otherwise; how is said below the table. no verdict: too few
of our seeds finished, or some diverged."""
OTHER_UNITS = f"""\
Of what is no accuracy, {100 * SHARE:g} % of the published value stand for the point."""

# Unit of a published table -> unit of our measure and how many of it make one of theirs
_UNITS = {"percent": ("%", 1.0), "millions": ("", 1e6), "count": ("", 1.0), "nmi": ("", 1.0)}
_WHY_NOT = {
    "seconds": "seconds of another machine",
    "points": "the paper gives a difference",
    "text": "no number",
}


@dataclass(frozen=True)
class Compared:
    """A published value beside ours.

    gap: ours - published, in the unit of the published one; None where that means nothing.
    reasons: why it is not comparable, or why there is no verdict.
    """

    published: float
    ours: float | None
    gap: float | None
    word: Word
    reasons: tuple[str, ...] = ()


def compare(
    ours: Value, published: float, unit: str, measure: Measure, obstacles: Sequence[str]
) -> Compared:
    """The verdict. `published` in `unit`, as printed; `obstacles`: why ours was measured otherwise.

    Without a finished seed of ours it is about nothing, and so 'no verdict'.
    """
    summary = ours.summary
    expected, scale = _UNITS.get(unit, ("", 0.0))
    mean = None if summary is None else summary.mean * measure.scale / (scale or 1.0)
    why = [*obstacles, *([] if scale and expected == measure.unit else [_unlike(unit, measure)])]
    if why:
        return Compared(published, mean, None, "not comparable", tuple(why))
    if summary is None or mean is None:
        return Compared(published, None, None, "no verdict", ("no seed finished",))
    gap = mean - published
    lost = ["too few seeds"] if ours.too_few else []
    lost += ["diverged trials"] if ours.diverged else []
    if lost or (summary.ci95 is None and not ours.scores.deterministic):
        why = lost or ["one seed has no interval"]
        return Compared(published, mean, gap, "no verdict", tuple(why))
    half = (summary.ci95 or 0.0) * measure.scale / scale
    inside = abs(gap) <= half or f"{mean:.{decimals(published)}f}" == written(published)
    near = abs(gap) <= (POINTS if unit == "percent" else SHARE * abs(published))
    words: tuple[Word, Word, Word] = ("not reproduced", "close", "reproduced")
    return Compared(published, mean, gap, words[inside + near])


def decimals(value: float | str) -> int:
    """How many decimals a published value is written with, at least."""
    return len(written(value).partition(".")[2])


def written(value: float | str) -> str:
    """A published value as it is written in the data: 79.0 and 3.2 and 1032."""
    return str(value)


def _unlike(unit: str, measure: Measure) -> str:
    if unit in _WHY_NOT:
        return _WHY_NOT[unit]
    return f"the paper's is in {unit}, ours {f'in {measure.unit}' if measure.unit else 'a number'}"
