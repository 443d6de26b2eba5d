"""What stands in one place of a table: a measure of one cell, or an average over several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from reports.entry import Entry
from reports.statistics import Scores, mean_over
from sweeper.records import TrialStatus
from sweeper.tracking.summary import Summary, summarise


@dataclass(frozen=True)
class Value:
    """scores: of the measure, by seed, as stored; of an average, of the seeds that all its
    members have.

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
    def too_few(self) -> bool:
        """Whether it has fewer seeds than the sweep asks for; what is deterministic needs one."""
        few = len(self.scores.by_seed) < self.entries[0].min_seeds
        return few and not self.scores.deterministic

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


def value_of(entry: Entry, measure: str) -> Value:
    """What `entry` has of a measure."""
    scores = entry.scores_of(measure)
    unmeasured = entry.statuses.get(str(TrialStatus.FINISHED), 0) - len(scores.by_seed)
    holes = [*entry.holes, *([f"without a number {unmeasured}"] if unmeasured > 0 else [])]
    return Value(scores, (entry,), tuple(holes), entry.remarks, entry.apart)


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
