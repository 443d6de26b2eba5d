"""Tests across tasks: each task is one observation, its seeds are only in its mean.

A test over three seeds could not reject anything; see `LEAST`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

LEAST = 6  # tasks: with fewer, Wilcoxon's two-sided p cannot fall below LEVEL
LEVEL = 0.05
MOST_EXACT = 13  # differences whose patterns of signs are all looked at, as scipy does
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
    found = []
    for first, second in pairs:
        both = zip(means[first], means[second], strict=True)
        change = [round(one - other, _DIGITS) for one, other in both]
        p = signed_rank(change)
        mean = math.fsum(change) / len(change)
        higher = sum(each > 0 for each in change)
        found.append(Pair(first, second, mean, higher, change.count(0.0), p, p))
    corrected = holm([pair.p for pair in found])
    return [
        Pair(pair.first, pair.second, pair.difference, pair.higher, pair.equal, pair.p, p)
        for pair, p in zip(found, corrected, strict=True)
    ]


def signed_rank(change: Sequence[float]) -> float:
    """Two-sided p of Wilcoxon's test that differences lie around zero; those of zero are dropped.

    Where few differences have ties, scipy draws every pattern of signs by itself, which takes a
    second a pair; here they are summed at once.
    """
    from scipy import stats

    told = np.array([each for each in change if each])
    if not len(told):
        return 1.0
    ranks = stats.rankdata(np.abs(told))
    if len(told) > MOST_EXACT or len(set(ranks)) == len(ranks):
        return float(stats.wilcoxon(told).pvalue)
    patterns = np.arange(2 ** len(told))[:, None] >> np.arange(len(told)) & 1
    sums, own = patterns @ ranks, ranks[told > 0].sum()  # halves and wholes: exact
    return min(1.0, 2 * float(min((sums <= own).mean(), (sums >= own).mean())))


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
