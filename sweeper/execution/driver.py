"""A launch: the trials of a plan that are still missing, through Ray Tune, told to listeners."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.error import TuneError
from ray.tune.experiment import Trial
from ray.tune.search import BasicVariantGenerator, ConcurrencyLimiter

from sweeper.errors import FaultError, InputError, Problem, StoreError
from sweeper.execution.causes import refusal
from sweeper.execution.cluster import Cluster, alive_nodes, connected
from sweeper.execution.failure import keep_tune_alive
from sweeper.execution.interrupt import Interrupt
from sweeper.execution.job import Job, check_sources
from sweeper.execution.listener import Listener
from sweeper.execution.message import EPOCH
from sweeper.execution.placement import check_fit, hosts, lanes, launcher
from sweeper.execution.relay import Relay
from sweeper.execution.released import fetch, released
from sweeper.execution.retries import Retries
from sweeper.execution.silence import Silence
from sweeper.execution.storage import check_reach, files_of, scratch
from sweeper.execution.trainable import trainable
from sweeper.execution.width import AHEAD, Width
from sweeper.faults import RETRIES, Fault
from sweeper.records import TrialResult
from sweeper.search.sampler import Draw, Ended, Sampler
from sweeper.search.stopping import check_metric, scheduler
from sweeper.spec.plan import Plan
from sweeper.spec.trial import TrialSpec


@dataclass(frozen=True)
class Outcome:
    """How the trials of one launch ended, by trial id."""

    results: dict[str, TrialResult]


def launch(
    plan: Plan,
    todo: Sequence[TrialSpec],
    *,
    listeners: Sequence[Listener],
    storage: Path,
    address: str | None = None,
    build: Callable[[Draw], TrialSpec] | None = None,
    ended: Sequence[Ended] = (),
    max_failures: int = RETRIES,
    interrupt: Interrupt | None = None,
    cpus: int | None = None,
    verbose: bool = False,
) -> Outcome:
    """Train `todo`, then, where the plan has a search, what the search draws.

    A trial goes on from its checkpoint under `storage`, whichever launch or worker wrote it; its
    checkpoint, and what it has learned, are removed once every listener knows its result. For a
    search, `build` makes a trial of a draw, and `ended` are the trials of earlier launches with the
    metric they reached: they count towards the search's number of trials and are told to its
    sampler. A trial may fail `max_failures` times without a new epoch in between. `interrupt` is
    what the caller has of signals, if it has.

    Raises InputError or ClusterError before anything is trained, KeyboardInterrupt after Ctrl-C,
    BudgetError when the plan's hours are over, FaultError where a disk is full, and whatever a
    listener raises.
    """
    where = launcher(plan.resources)
    if plan.search is not None:
        check_metric(plan.search.metric)
        if build is None:
            raise InputError(Problem("search", "no `build`", "what makes a trial of a draw"))
    if not todo and plan.search is None:
        return Outcome({})
    storage = storage.resolve()
    job = Job.of(plan, storage)
    interrupt, hours = interrupt or Interrupt(), plan.budget.max_hours
    interrupt.limit(math.inf if hours is None else hours * 3600)
    connection = ready(plan, todo, storage, address, cpus=cpus, verbose=verbose)
    with interrupt, interrupt.kept(), connection as cluster, interrupt:
        storage.mkdir(parents=True, exist_ok=True)
        interrupt.check()
        silence = Silence(plan.budget.max_silence_minutes * 60)
        relay = Relay(listeners, interrupt, job, Retries(max_failures), silence)
        keep_tune_alive()
        with _full_disk_told(relay, storage), scratch(storage) as folder:
            tuning = _Tuning(job, where, cluster, relay, folder, max_failures)
            tuning.grid(todo)
            if plan.search is not None and build is not None:
                tuning.search(plan, build, ended)
                tuning.grid(relay.take_lost())
    return Outcome(relay.ended)


@contextmanager
def _full_disk_told(relay: Relay, storage: Path) -> Iterator[None]:
    """A disk that refuses inside the block ends the launch with a FaultError, and is told to the
    listeners once the scratch folder, and the room that it held, are gone.
    """
    try:
        yield
    except Exception as error:
        said = refusal(error)
        if not said:
            raise
        fault = (
            f"{storage}: the disk refused ({said}). What is recorded stays, and so do checkpoints: "
            "make room, or give the folder back its right to be written, and run the same command"
        )
        try:
            relay.tell(Fault.DISK_FULL, said)
        except (FaultError, StoreError, OSError) as lost:
            fault += f". This could not be recorded: {lost}"
        raise FaultError(fault) from error


@contextmanager
def ready(
    plan: Plan,
    todo: Sequence[TrialSpec],
    storage: Path,
    address: str | None = None,
    *,
    cpus: int | None = None,
    verbose: bool = False,
) -> Iterator[Cluster]:
    """A connection to a Ray on which a trial of `plan` fits, for the time of the block, whose nodes
    all reach `storage` and the user's files, with the released weights of `todo` on their disks.

    Raises ClusterError where there is none, InputError where a user's method file or weights
    were edited after the plan was made, where `resources` contradict themselves, and where released
    weights are not to be had; writes nothing but these, into the libraries' own caches.
    """
    check_sources(plan.sources)
    launcher(plan.resources)
    with connected(address, cpus=cpus, verbose=verbose) as cluster:
        if not cluster.grows or cluster.added is not None:
            check_fit(plan.resources, cluster.nodes, cluster.added or ())
        if len(cluster.nodes) > 1:
            job = Job.of(plan)
            paths = files_of(job.folders, job.weights)
            check_reach(storage.resolve(), paths, hosts(plan.resources, alive_nodes()))
        fetch(released(plan, todo), cluster)
        yield cluster


@dataclass(frozen=True)
class _Tuning:
    """Ray Tune with everything set that is the same for a grid and a search."""

    job: Job
    launcher: str
    cluster: Cluster
    relay: Relay
    scratch: Path
    max_failures: int

    def grid(self, todo: Sequence[TrialSpec]) -> None:
        """Train exactly `todo`; those that lost their worker before they began, once more."""
        while todo:
            lines = [spec.model_dump_json() for spec in todo]
            # what stands in line is what an autoscaler sees
            ahead = 200 if self.cluster.grows else self._lanes()
            self._fit({"param_space": {"trial": tune.grid_search(lines)}}, ahead)
            todo = self.relay.take_lost()

    def search(
        self, plan: Plan, build: Callable[[Draw], TrialSpec], ended: Sequence[Ended]
    ) -> None:
        """Train what the search of `plan` draws."""
        search, fixed = plan.search, {spec.id for spec in plan.trials()}
        assert search is not None
        now = [
            (spec, self.relay.metric_of(spec, search.metric.name))
            for spec in plan.trials()
            if spec.id in self.relay.ended
        ]
        drawn = sum(1 for spec, _ in ended if spec.id not in fixed)
        sampler = Sampler(
            search,
            build=build,
            ended=[*ended, *now],
            count=search.num_trials - drawn,
            seed=plan.seeds[0],
        )
        config = {"search_alg": sampler, "scheduler": scheduler(search, EPOCH), "num_samples": -1}
        # a draw made early knows less: few stand in line, more where many actors have to start
        few = max(1, self._lanes() // 8)
        self._fit({"tune_config": config}, few + AHEAD if self.cluster.grows else few)

    def _lanes(self) -> int:
        return max(1, lanes(self.job.resources, self.cluster.nodes))

    def _fit(self, what: dict[str, Any], ahead: int) -> None:
        os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(ahead)
        callbacks: list[tune.Callback] = [self.relay]
        settings = what.get("tune_config", {})
        if self.launcher == "train":
            width = Width(self.job.resources, grows=self.cluster.grows)
            sampler = settings.get("search_alg")
            limited = (
                ConcurrencyLimiter(sampler, max_concurrent=width.now())
                if sampler
                else BasicVariantGenerator(max_concurrent=width.now())
            )
            width.limited, settings = limited, settings | {"search_alg": limited}
            callbacks.append(width)
        config = tune.TuneConfig(
            reuse_actors=True,
            trial_name_creator=_name,
            trial_dirname_creator=_name,
            **settings,
        )
        run = tune.RunConfig(
            name="sweep",
            storage_path=str(self.scratch),
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=self.max_failures),
            callbacks=callbacks,
        )
        try:
            tune.Tuner(
                trainable(self.job, self.scratch),
                param_space=what.get("param_space"),
                tune_config=config,
                run_config=run,
            ).fit()
        except TuneError:
            if self.relay.broken is not None:
                raise self.relay.broken from self.relay.broken.__cause__
            raise


def _name(trial: Trial) -> str:
    return TrialSpec.model_validate_json(trial.config["trial"]).id
