"""Averages over a crossed factor: over all members, or over those that every row has, marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reports.statistics import Scores, mean_over
from reports.value import Value, average_of

Rows = Mapping[str, Mapping[str, Value]]  # row -> member -> value


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


def averages_of(rows: Rows, wanted: Sequence[str]) -> dict[str, Average]:
    """Of each row, from what it has, over the members `wanted`.

    A row that has them all is averaged over all. The others are averaged over those members that
    every row with a score at all has, and say so; without such members they have no average.
    """
    has = {row: _there(each, wanted) for row, each in rows.items()}
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


def pictured(rows: Rows, wanted: Sequence[str]) -> dict[str, Average]:
    """The same for a picture. No sign beside a point or a bar can say that its mean is over other
    members than those around it, so all that are drawn are over the same: where one row has all
    members, a row that lacks some is a hole. Where none has all, each is over the common ones.
    """
    found = averages_of(rows, wanted)
    some_whole = any(not one.value.partial for one in found.values())
    for row in rows:
        each = {name: value for name, value in rows[row].items() if name in wanted}
        if each and (row not in found or (some_whole and found[row].value.partial)):
            lacks = len(wanted) - len(_there(each, wanted))
            hole = Value(
                scores=Scores({}),
                entries=tuple(entry for value in each.values() for entry in value.entries),
                holes=(f"lacks {lacks} of {len(wanted)} members",),
                remarks=tuple({f"skipped: {v.skip}": v for v in each.values() if v.skip}),
                partial=True,
            )
            found[row] = Average(hole, each, ())
    return found


def _there(each: Mapping[str, Value], wanted: Sequence[str]) -> list[str]:
    """The members that have a score."""
    return [name for name in wanted if name in each and each[name].scores.by_seed]


def _remark(common: Sequence[str], lacking: Sequence[str]) -> str:
    """Over what the average of a row is that lacks a member, in the fewer names."""
    if len(lacking) < len(common):
        return f"the average without {', '.join(lacking)}, which not all rows have"
    return f"the average over {', '.join(common)} only, which all rows have"
