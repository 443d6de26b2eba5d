"""Averages over a crossed factor: over all members, or over those that every row has, marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reports.statistics import Scores, mean_over
from reports.value import Value, average_of


@dataclass(frozen=True)
class Average:
    """The average of one row. each: what the row has of the members; members: that it is over."""

    value: Value
    each: Mapping[str, Value]
    members: tuple[str, ...]

    def over(self, members: Sequence[str]) -> Scores:
        """The average of the same row over other members; no scores where it lacks one."""
        if not members or not set(members) <= self.each.keys():
            return Scores({})
        return mean_over([self.each[member].scores for member in members])


def averages_of(
    rows: Mapping[str, Mapping[str, Value]], wanted: Sequence[str]
) -> dict[str, Average]:
    """Of each row, from what it has of the members `wanted` (row -> member -> value).

    A row that has them all is averaged over all. The others are averaged over those members that
    every row with a score at all has, and say so; without such members they have no average.
    """
    has = {
        row: [name for name in wanted if name in each and each[name].scores.by_seed]
        for row, each in rows.items()
    }
    begun = [set(there) for there in has.values() if there]
    common = [name for name in wanted if begun and all(name in there for there in begun)]
    some_whole = any(len(there) == len(wanted) for there in has.values())
    remark = _remark(common, [name for name in wanted if name not in common])
    found = {}
    for row, each in rows.items():
        whole = len(has[row]) == len(wanted)
        members = (wanted if whole else common) if has[row] else ()
        if members:
            value = average_of([each[name] for name in members], "" if whole else remark)
            value = replace(value, apart=value.apart or (some_whole and not whole))
            found[row] = Average(value, each, tuple(members))
    return found


def _remark(common: Sequence[str], lacking: Sequence[str]) -> str:
    """Over what the average of a row is that lacks a member, in the fewer names."""
    if len(lacking) < len(common):
        return f"the average without {', '.join(lacking)}, which not all rows have"
    return f"the average over {', '.join(common)} only, which all rows have"
