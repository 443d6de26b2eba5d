"""What may be said about differences between cells and about the shape of a curve.

Accuracies are fractions in [0, 1]. Intervals are 95 % Student-t with ddof = 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sweeper.tracking.summary import Summary, summarise

Verdict = Literal["greater", "smaller", "not told apart", "unknown"]
MARGIN = 0.01  # one point of accuracy: 'as good as the best' in `Robustness`


@dataclass(frozen=True)
class Scores:
    """A cell's score for each finished seed. A deterministic one has the same for every seed."""

    by_seed: Mapping[int, float]
    deterministic: bool = False


def paired(ours: Scores, other: Scores) -> Scores:
    """`ours - other` for each seed that both have.

    A deterministic cell is paired with every seed of the other one.
    """
    same = ours.deterministic and other.deterministic
    if not ours.by_seed or not other.by_seed:
        return Scores({}, same)
    seeds = set(ours.by_seed) & set(other.by_seed)
    if ours.deterministic != other.deterministic:
        seeds = set((other if ours.deterministic else ours).by_seed)
    return Scores({seed: at(ours, seed) - at(other, seed) for seed in sorted(seeds)}, same)


def difference(ours: Scores, other: Scores) -> Summary | None:
    """Of `ours - other`, paired on the seeds that both have; None without a common seed."""
    return summarise(paired(ours, other).by_seed.values())


def at(scores: Scores, seed: int) -> float:
    """The score of `seed`; of a deterministic cell, the one that it has."""
    return next(iter(scores.by_seed.values())) if scores.deterministic else scores.by_seed[seed]


def mean_over(parts: Sequence[Scores]) -> Scores:
    """The mean over `parts` for each seed that all of them have.

    A deterministic part has the same score for every seed.
    """
    varying = [part for part in parts if not part.deterministic] or list(parts)
    seeds = set.intersection(*(set(part.by_seed) for part in varying))
    complete = all(part.by_seed for part in parts)
    return Scores(
        {
            seed: math.fsum(at(part, seed) for part in parts) / len(parts)
            for seed in (sorted(seeds) if complete else ())
        },
        deterministic=all(part.deterministic for part in parts),
    )


def verdict(change: Summary | None) -> Verdict:
    """Whether a paired difference is told apart from zero by its interval.

    'unknown' without an interval, that is with fewer than two common seeds.
    """
    if change is None or change.low is None or change.high is None:
        return "unknown"
    if change.low > 0:
        return "greater"
    return "smaller" if change.high < 0 else "not told apart"


@dataclass(frozen=True)
class Robustness:
    """How much a method minds one of its settings, from the means along it.

    best_at: the setting of the highest mean (the smallest such).
    largest_drop: highest minus lowest mean, fraction.
    area: area under mean / best mean over log2 of the setting, divided by the width; 1 = flat.
    shortest: the smallest setting whose mean is within MARGIN (absolute) of the best.
    """

    best_at: float
    largest_drop: float
    area: float
    shortest: float


def robustness(points: Sequence[tuple[float, float]]) -> Robustness | None:
    """Of (setting > 0, mean) in any order; None with fewer than two points or no success."""
    ordered = sorted(points)
    best = max((mean for _, mean in ordered), default=0.0)
    if len(ordered) < 2 or best <= 0 or not 0 < ordered[0][0] < ordered[-1][0]:
        return None
    x = [math.log2(setting) for setting, _ in ordered]
    y = [mean / best for _, mean in ordered]
    steps = range(len(x) - 1)
    area = math.fsum((x[i + 1] - x[i]) * (y[i] + y[i + 1]) / 2 for i in steps)
    return Robustness(
        best_at=next(setting for setting, mean in ordered if mean == best),
        largest_drop=best - min(mean for _, mean in ordered),
        area=area / (x[-1] - x[0]),
        shortest=next(setting for setting, mean in ordered if mean >= best - MARGIN),
    )


def best(scores: Mapping[str, Scores], *, lower: bool = False) -> set[str]:
    """The names in bold: the highest mean (the lowest where `lower` is better), and all that are
    not told apart from it.

    Two are not told apart when the 95 % interval of their paired difference contains zero.
    Empty when fewer than two compete; without an interval there is no tie.
    """
    competing = {name: found for name, found in scores.items() if found.by_seed}
    if len(competing) < 2:
        return set()
    means = {n: math.fsum(s.by_seed.values()) / len(s.by_seed) for n, s in competing.items()}
    top = (min if lower else max)(means, key=lambda name: means[name])
    tied = {
        name
        for name, found in competing.items()
        if means[name] == means[top]
        or verdict(difference(competing[top], found)) == "not told apart"
    }
    return tied | {top}
