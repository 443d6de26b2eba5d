"""The cells along one axis of a sweep, crossed with its other factors, and averages over one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.column import Column, columns_of, stands_in
from reports.entry import Entry
from reports.footnote import remarks
from reports.statistics import Scores, mean_over
from sweeper.spec.plan import Plan, Role
from sweeper.tracking.summary import Summary, summarise


@dataclass(frozen=True)
class Group:
    """Columns that are shown as one: a single one, or those that an average is over.

    key: the factors that all of them share, and their values. average: its name, or empty.
    """

    key: Column
    columns: tuple[Column, ...]
    average: str = ""

    def value(self, factor: str) -> str:
        """The value of a factor that all its columns share; empty where there is none."""
        return dict(self.key).get(factor, "")


@dataclass(frozen=True)
class Value:
    """What stands at one label in one group. entries: one, or the members of an average.

    scores: of the seeds that all members have; empty where a member is missing.
    few: fewer seeds than the sweep asks for. partial: a member has seeds that others have not.
    """

    scores: Scores
    entries: tuple[Entry, ...]
    few: bool
    partial: bool

    @property
    def summary(self) -> Summary | None:
        """Mean and interval over the seeds."""
        return summarise(self.scores.by_seed[seed] for seed in sorted(self.scores.by_seed))

    def remarks(self, base: Mapping[str, Any], but: str = "") -> list[str]:
        """What must be known of it beside others under the protocol `base`; not of field `but`."""
        found = [
            remark
            for entry in self.entries
            for remark in remarks(entry.cell.config, base, but=but)[0]
        ]
        skipped = [f"skipped: {entry.cell.skip}" for entry in self.entries if entry.cell.skip]
        if skipped:
            found += skipped
        elif self.partial:
            some = "only seeds that all members of the average have"
            none = "a member of the average has no seed in common with the others"
            found.append(some if self.scores.by_seed else none)
        elif self.few:
            found.append("fewer finished seeds than this sweep asks for")
        return list(dict.fromkeys(found))

    @property
    def trainable(self) -> float | None:
        """How many parameters are trained, on the mean of an average's members."""
        counts = [entry.trainable_parameters for entry in self.entries]
        known = [count for count in counts if count is not None]
        return sum(known) / len(known) if known and len(known) == len(counts) else None


@dataclass(frozen=True)
class Crossing:
    """roles: label of the axis -> its role, in the order of the sweep; columns: in its order.

    entries: (label, column) -> the cell that stands there.
    """

    roles: Mapping[str, Role]
    columns: Sequence[Column]
    entries: Mapping[tuple[str, Column], Entry]

    def at(self, label: str, group: Group, measure: str) -> Value | None:
        """What stands at `label`; None where no column of the group has a cell there."""
        there = [self.entries.get((label, column)) for column in group.columns]
        found = tuple(entry for entry in there if entry is not None)
        if not found:
            return None
        each = [entry.scores_of(measure) for entry in found]
        whole = len(found) == len(there)
        scores = (each[0] if len(there) == 1 else mean_over(each)) if whole else Scores({})
        seeds = {tuple(sorted(one.by_seed)) for one in each if not one.deterministic}
        few = not scores.deterministic and len(scores.by_seed) < found[0].min_seeds
        return Value(scores, found, few, len(there) > 1 and (not whole or len(seeds) > 1))

    def values(self, factor: str) -> list[str]:
        """The values of a crossed factor, in the order of the sweep."""
        found = (dict(column).get(factor) for column in self.columns)
        return [value for value in dict.fromkeys(found) if value is not None]

    def singles(self) -> list[Group]:
        """A group for each column."""
        return [Group(column, (column,)) for column in self.columns]

    def averaged(self, averages: Mapping[str, Sequence[str]], across: str) -> list[Group]:
        """For each average, a group for each combination of the other factors."""
        found = []
        for name, members in averages.items():
            wanted = list(members) or self.values(across)
            rests: dict[Column, dict[str, Column]] = {}
            for column in self.columns:
                rest = tuple(pair for pair in column if pair[0] != across)
                rests.setdefault(rest, {})[dict(column).get(across, "")] = column
            for rest, there in rests.items():
                # A member without a column is a hole in every row, never left out.
                columns = tuple(there.get(each, (*rest, (across, each))) for each in wanted)
                found.append(Group(rest, columns, name))
        return found

    def names(self, groups: Sequence[Group], but: Sequence[str] = ()) -> list[str]:
        """What tells each group from the others: values of the factors that vary among them."""
        keys = [{k: v for k, v in group.key if k not in but} for group in groups]
        varying = [
            factor
            for factor in dict.fromkeys(factor for key in keys for factor in key)
            if len({key.get(factor) for key in keys}) > 1
        ]
        return [", ".join(v for k, v in key.items() if not varying or k in varying) for key in keys]


def crossing(axis: str, plan: Plan, entries: Mapping[str, Entry]) -> Crossing:
    """The cells with a role along `axis`."""
    members = [(role, cell) for cell in plan.cells for role in cell.roles if role.axis == axis]
    columns = columns_of(cell for _, cell in members)
    known = set(columns)
    found: dict[tuple[str, Column], Entry] = {}
    roles: dict[str, Role] = {}
    for role, cell in members:
        roles.setdefault(role.label, role)
        own = tuple(sorted(cell.over.items()))
        for column in [own] if own in known else columns:
            if stands_in(cell, column):
                found[role.label, column] = entries[cell.id]
    ordered = dict(sorted(roles.items(), key=lambda each: each[1].place))
    return Crossing(ordered, columns, found)
