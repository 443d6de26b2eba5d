"""What a user sees while a sweep runs: cells done, running, failed, reused, and the time left.

On a terminal a live display, otherwise one line per event. Both go to stderr.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sweeper.cli.output import duration
from sweeper.faults import RULES, Incident
from sweeper.records import EpochRecord, TrialResult, TrialStatus
from sweeper.spec.plan import Plan
from sweeper.spec.trial import TrialSpec


class Clock:
    """Time left, from the trials that ended so far: each cell's own pace, else the mean of all."""

    def __init__(self, undrawn: int) -> None:
        self.undrawn = undrawn  # trials that a search is still to draw
        self.durations: dict[str, list[float]] = defaultdict(list)
        self.pending: Counter[str] = Counter()
        self.running: dict[str, tuple[str, float]] = {}  # trial id -> (cell, fraction done)

    def expect(self, trials: Sequence[TrialSpec]) -> None:
        """Trials that will run, by cell."""
        self.pending.update(trial.cell_id for trial in trials)

    def begin(self, trial: TrialSpec) -> None:
        """A trial that was expected, or that a search has drawn, has a worker."""
        if self.pending[trial.cell_id] > 0:
            self.pending[trial.cell_id] -= 1
        elif self.undrawn:
            self.undrawn -= 1
        self.running[trial.id] = (trial.cell_id, 0.0)

    def seconds_left(self) -> float | None:
        """None until the first trial has ended."""
        known = [value for values in self.durations.values() for value in values]
        if not known:
            return None
        mean = sum(known) / len(known)

        def pace(cell: str) -> float:
            own = self.durations.get(cell)
            return sum(own) / len(own) if own else mean

        work = sum(pace(cell) * count for cell, count in self.pending.items())
        work += mean * self.undrawn
        work += sum(pace(cell) * (1 - done) for cell, done in self.running.values())
        return work / max(len(self.running), 1)  # trials run side by side


class Progress:
    """A listener of the driver. Use as a context manager around the launch."""

    def __init__(
        self,
        plan: Plan,
        todo: Sequence[TrialSpec],
        *,
        hunted: int,
        reused: int,
        console: Console,
    ) -> None:
        self.console, self.reused = console, reused
        self.planned = len(todo) + hunted
        self.names = cell_names(plan)
        self.space = frozenset(plan.search.space if plan.search else ())
        self.clock = Clock(hunted)
        self.clock.expect(todo)
        self.left_in_cell = Counter(trial.cell_id for trial in todo)
        self.cells = len(self.left_in_cell) + hunted  # a drawn trial is a cell of its own
        self.statuses: Counter[TrialStatus] = Counter()
        self.last: dict[str, tuple[TrialSpec, EpochRecord | None]] = {}
        self.began: dict[str, float] = {}
        self.start = time.monotonic()
        self.live: Live | None = None

    def __enter__(self) -> Progress:
        if self.console.is_terminal:
            self.live = Live(get_renderable=self.render, console=self.console, refresh_per_second=4)
            self.live.start()
        else:
            self.console.print(f"{self.planned} trials to run, {self.reused} reused")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.live is not None:
            self.live.stop()
        self.console.print(self.summary())

    def trial_started(self, spec: TrialSpec, attempt: int) -> None:
        """A worker has taken the trial; `attempt` counts from 1."""
        self.last[spec.id] = (spec, None)
        self.began[spec.id] = time.monotonic()
        self.clock.begin(spec)
        if self.live is None:
            again = f" (attempt {attempt})" if attempt > 1 else ""
            self.console.print(f"start   {self.name(spec)}{again}")

    def epoch(self, spec: TrialSpec, record: EpochRecord) -> None:
        """An epoch of a running trial."""
        self.last[spec.id] = (spec, record)
        done = record.epoch / max(spec.recipe.epochs, 1)
        self.clock.running[spec.id] = (spec.cell_id, min(done, 1.0))

    def trial_ended(self, spec: TrialSpec, result: TrialResult) -> None:
        """A trial has ended, one way or another."""
        self.statuses[result.status] += 1
        self.left_in_cell[spec.cell_id] -= 1
        self.last.pop(spec.id, None)
        self.clock.running.pop(spec.id, None)
        began = self.began.pop(spec.id, None)
        if began is not None:
            self.clock.durations[spec.cell_id].append(time.monotonic() - began)
        if self.live is None or result.status in (TrialStatus.FAILED, TrialStatus.DIVERGED):
            score = f" test {result.test.acc:.1%}" if result.test is not None else ""
            reason = f": {result.reason}" if result.reason else ""
            took = duration(result.seconds)
            self.console.print(f"{result.status:9}{self.name(spec)}{score} in {took}{reason}")

    def incident(self, incident: Incident) -> None:
        """Something went wrong, and what is done about it."""
        known = self.last.get(incident.trial)
        name = f" {self.name(known[0])}" if known else ""
        told = f"{incident.fault}{name}" + (f": {incident.note}" if incident.note else "")
        self.console.print(f"{RULES[incident.fault].remedy:8}{told}", markup=False)

    def name(self, spec: TrialSpec) -> str:
        """How a trial is called on screen: its cell and its seed, or what a search drew."""
        if spec.cell_id in self.names:
            return f"{self.names[spec.cell_id]} seed {spec.seed}"
        drawn = {name: value for name, value in spec.flat().items() if name in self.space}
        said = (f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in drawn.items())
        return ", ".join(said) or spec.cell_id

    def summary(self) -> str:
        """One line: how many trials ended how, and in what time."""
        ended = ", ".join(f"{count} {status}" for status, count in sorted(self.statuses.items()))
        took = duration(time.monotonic() - self.start)
        return f"{ended or 'nothing trained'}, {self.reused} reused, in {took}"

    def render(self) -> Group:
        """The live display."""
        finished = sum(self.statuses.values())
        cells_done = sum(1 for count in self.left_in_cell.values() if count <= 0)
        failed = self.statuses[TrialStatus.FAILED] + self.statuses[TrialStatus.DIVERGED]
        left = self.clock.seconds_left()
        head = Text(
            f"cells {cells_done}/{self.cells} done   trials {finished}/{self.planned} done, "
            f"{len(self.last)} running, {failed} failed, {self.reused} reused   "
            + (self._waiting() if left is None else f"about {duration(left)} left")
        )
        table = Table(box=None, pad_edge=False, show_header=False)
        for spec, record in list(self.last.values()):
            if record is None:
                table.add_row(self.name(spec), "starting", "")
                continue
            table.add_row(
                self.name(spec),
                _epochs(record.epoch, spec.recipe.epochs),
                f"loss {record.train_loss:.3f}  val {record.val_acc:.1%}",
            )
        bar = Table.grid(expand=True)  # a bar by itself ends no line
        bar.add_row(ProgressBar(total=max(self.planned, 1), completed=finished))
        return Group(head, bar, table)

    def _waiting(self) -> str:
        return "measuring the pace" if self.began else "starting Ray's workers"


def cell_names(plan: Plan) -> dict[str, str]:
    """Cell id -> a short name: its method, what it varies, and its crossed coordinates."""
    names = {}
    for cell in plan.cells:
        varied = " = ".join(
            next(((role.axis, role.label) for role in cell.roles), ("method", "")),
        )
        if cell.base:
            varied = "base"
        over = ", ".join(cell.over.values())
        names[cell.id] = " · ".join(part for part in (over, varied) if part)
    return names


def _epochs(done: int, each: int) -> str:
    """How far a trial is: a method that trains in rounds takes the recipe's epochs `each` time."""
    if done <= each:
        return f"epoch {done}/{each}"
    return f"round {(done - 1) // each + 1}, epoch {(done - 1) % each + 1}/{each}"
