"""Tests across tasks: each task is one observation, its seeds are only in its mean.

A test over three seeds could not reject anything; see `LEAST`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

LEAST = 6  # tasks: with fewer, Wilcoxon's two-sided p cannot fall below LEVEL
LEVEL = 0.05
_DIGITS = 12  # beyond which a difference of two means is rounding and not a difference

Means = Mapping[str, Sequence[float]]  # row -> its mean on each task, in the same order


@dataclass(frozen=True)
class Pair:
    """Wilcoxon's signed-rank test of one row against another, two-sided.

    difference: mean over tasks of first - second. higher, equal: on how many tasks the first is.
    p: of this pair alone; holm: corrected for all pairs of the table.
    """

    first: str
    second: str
    difference: float
    higher: int
    equal: int
    p: float
    holm: float


@dataclass(frozen=True)
class Ranks:
    """Friedman's test over three rows or more; average: rank of each row, 1 is the best.

    apart: for each two rows whether Nemenyi's test tells them apart (p), empty where Friedman's
    does not reject. critical: the difference of average ranks that it needs.
    """

    average: Mapping[str, float]
    chi2: float
    p: float
    nemenyi: pd.DataFrame
    critical: float


def wilcoxon(means: Means, pairs: Sequence[tuple[str, str]]) -> list[Pair]:
    """Each pair, by Holm's correction of all of them."""
    from scipy import stats

    found = []
    for first, second in pairs:
        both = zip(means[first], means[second], strict=True)
        change = [round(one - other, _DIGITS) for one, other in both]
        p = float(stats.wilcoxon(change).pvalue) if any(change) else 1.0
        mean = math.fsum(change) / len(change)
        higher = sum(each > 0 for each in change)
        found.append(Pair(first, second, mean, higher, change.count(0.0), p, p))
    corrected = holm([pair.p for pair in found])
    return [
        Pair(pair.first, pair.second, pair.difference, pair.higher, pair.equal, pair.p, p)
        for pair, p in zip(found, corrected, strict=True)
    ]


def holm(values: Sequence[float]) -> list[float]:
    """The p values, corrected by Holm's step-down rule."""
    found, least = [0.0] * len(values), 0.0
    for place, n in enumerate(sorted(range(len(values)), key=lambda n: values[n])):
        least = max(least, min(1.0, values[n] * (len(values) - place)))
        found[n] = least
    return found


def friedman(means: Means, *, lower: bool = False) -> Ranks | None:
    """Average ranks and whether they differ; None with fewer than three rows, or where all rows
    are the same on every task. `lower`: the lowest is the best.
    """
    from scipy import stats

    frame = pd.DataFrame({row: list(values) for row, values in means.items()}).round(_DIGITS)
    if len(frame.columns) < 3 or (frame.nunique(axis=1) == 1).all():
        return None
    ranks = frame.rank(axis=1, ascending=lower)
    chi2, p = stats.friedmanchisquare(*(frame[row] for row in frame))
    k, n = len(frame.columns), len(frame)
    quantile = float(stats.studentized_range.ppf(1 - LEVEL, k, math.inf))
    critical = quantile / math.sqrt(2) * math.sqrt(k * (k + 1) / (6 * n))
    nemenyi = pd.DataFrame()
    if p < LEVEL:
        from scikit_posthocs import posthoc_nemenyi_friedman

        nemenyi = posthoc_nemenyi_friedman(frame if lower else -frame)
    average = {str(row): float(value) for row, value in ranks.mean().items()}
    return Ranks(average, float(chi2), float(p), nemenyi, critical)
