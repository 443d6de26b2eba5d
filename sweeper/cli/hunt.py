"""The adaptive part of a launch: what a search has drawn before, and how a draw becomes a trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sweeper.spec.plan import Plan

if TYPE_CHECKING:
    from sweeper.search.sampler import Draw, Ended
    from sweeper.spec.trial import TrialSpec
    from sweeper.tracking.history import RecordedTrial


@dataclass(frozen=True)
class Hunt:
    """What the driver is told of a plan's search; empty for a plan without one.

    `ended` are the recorded trials that the search could have drawn, with their metric, and
    `count` is how many more it draws now.
    """

    plan: Plan
    build: Callable[[Draw], TrialSpec] | None = None
    ended: tuple[Ended, ...] = ()
    count: int = 0

    @classmethod
    def of(cls, plan: Plan, recorded: Mapping[str, RecordedTrial]) -> Hunt:
        """The hunt of `plan` over the trials that the store holds."""
        if plan.search is None:
            return cls(plan)
        from sweeper.catalog import Installed
        from sweeper.search.sampler import distribution, draw_of
        from sweeper.spec.draw import trial_of

        search, catalog = plan.search, Installed()

        def build(draw: Draw) -> TrialSpec:
            return trial_of(search, draw, plan.seeds[0], catalog, plan.sources)

        space = {name: distribution(plain) for name, plain in search.space.items()}
        ended = tuple(
            (trial.spec, trial.metrics.get(search.metric.name))
            for trial in recorded.values()
            if trial.result is not None
            and trial.result.status.final
            and draw_of(trial.spec, space, build) is not None
        )
        fixed = {spec.id for spec in plan.trials()}
        drawn = sum(1 for spec, _ in ended if spec.id not in fixed)
        return cls(plan, build, ended, max(0, search.num_trials - drawn))

    def capped(self, count: int) -> Hunt:
        """The same hunt, drawing at most `count` trials now."""
        if self.plan.search is None or count >= self.count:
            return self
        total = self.plan.search.num_trials - self.count + count
        search = self.plan.search.model_copy(update={"num_trials": total})
        return replace(self, plan=self.plan.model_copy(update={"search": search}), count=count)
