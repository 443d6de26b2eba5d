"""What stands in a place of a table or figure: a measure of a cell, an average, a difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from reports.entry import Entry
from reports.statistics import Scores, mean_over, paired
from sweeper.records import TrialStatus
from sweeper.spec.measure import TOP1
from sweeper.tracking.summary import Summary, summarise


@dataclass(frozen=True)
class Value:
    """scores: of the measure, by seed, as stored; of an average, of the seeds that all its
    members have; of a difference, of those that both sides have.

    entries: the one cell, or the members of an average. holes: what is not finished, such as
    'failed 1'. apart: not measured as the others are, and so never compared with them in bold.
    partial: an average over fewer members than it should be.
    """

    scores: Scores
    entries: tuple[Entry, ...]
    holes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    apart: bool = False
    partial: bool = False

    @cached_property
    def summary(self) -> Summary | None:
        """Mean and interval over the seeds."""
        return summarise(self.scores.by_seed[seed] for seed in sorted(self.scores.by_seed))

    @property
    def mean(self) -> float:
        """NaN where no seed has a score."""
        return self.summary.mean if self.summary else math.nan

    @property
    def min_seeds(self) -> int:
        """How many seeds the sweep asks for."""
        return self.entries[0].min_seeds

    @property
    def too_few(self) -> bool:
        """Whether it has fewer seeds than the sweep asks for; what is deterministic needs one."""
        return len(self.scores.by_seed) < self.min_seeds and not self.scores.deterministic

    @property
    def diverged(self) -> bool:
        """Whether trials of it were lost to divergence."""
        return any(str(TrialStatus.DIVERGED) in entry.statuses for entry in self.entries)

    @property
    def sound(self) -> bool:
        """Whether its mean may be called best: measured as the others are, from enough seeds,
        none of them lost to divergence.
        """
        return not (self.apart or self.too_few or self.diverged)

    @property
    def skip(self) -> str:
        """Why there is no trial of it; empty where there is."""
        return self.entries[0].cell.skip if len(self.entries) == 1 else ""

    @property
    def link(self) -> str:
        """The address of its cell; empty for an average."""
        return self.entries[0].link if len(self.entries) == 1 else ""

    @property
    def trainable(self) -> float | None:
        """How many parameters are trained, on the mean of an average's members."""
        counts = [entry.trainable_parameters for entry in self.entries]
        known = [count for count in counts if count is not None]
        return sum(known) / len(known) if known and len(known) == len(counts) else None


def value_of(entry: Entry, measure: str = TOP1, but: str = "") -> Value:
    """What `entry` has of a measure; nothing is said of the field `but` of its protocol."""
    scores = entry.scores_of(measure)
    unmeasured = entry.statuses.get(str(TrialStatus.FINISHED), 0) - len(scores.by_seed)
    holes = [*entry.holes, *([f"without a number {unmeasured}"] if unmeasured > 0 else [])]
    return Value(scores, (entry,), tuple(holes), entry.remarks(but), entry.apart)


def average_of(values: Sequence[Value], remark: str = "") -> Value:
    """The mean over `values`, each counting the same, per seed. `remark`: what is said of one
    that is partial; empty where it is not.
    """
    said = dict.fromkeys(remark for value in values for remark in value.remarks)
    return Value(
        scores=mean_over([value.scores for value in values]),
        entries=tuple(entry for value in values for entry in value.entries),
        remarks=(*said, *([remark] if remark else [])),
        apart=any(value.apart for value in values),
        partial=bool(remark),
    )


def less(value: Value, other: Value, label: str) -> Value:
    """`value - other`, paired on common seeds. label: what `other` is called."""
    skipped = [f"{label} is skipped: {other.skip}"] if other.skip else []
    return Value(
        scores=paired(value.scores, other.scores),
        entries=value.entries,
        holes=(*value.holes, *(f"{hole} of {label}" for hole in other.holes)),
        remarks=tuple(dict.fromkeys((*value.remarks, *other.remarks, *skipped))),
        apart=value.apart or other.apart,
        partial=value.partial or other.partial,
    )
