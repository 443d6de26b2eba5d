"""The display counts what it is told and guesses the time left from what has ended."""

from __future__ import annotations

import io

from rich.console import Console

from sweeper.cli.progress import Clock, Progress
from sweeper.records import EpochRecord, Score, TrialResult, TrialStatus
from sweeper.spec.plan import Plan, Search
from sweeper.spec.trial import Protocol, Recipe, TrialSpec


def _trial(seed: int) -> TrialSpec:
    return TrialSpec(
        method="iip",
        params={},
        backbone="embedded",
        weights="w",
        task="digits",
        data="d",
        recipe=Recipe(epochs=4),
        protocol=Protocol(),
        seed=seed,
    )


def _ended(trial: TrialSpec, status: TrialStatus = TrialStatus.FINISHED) -> TrialResult:
    return TrialResult(trial.id, status, test=Score(0.5, 1.0, 10), seconds=3.0)


def test_clock_scales_the_pace_of_what_ended_to_what_is_left() -> None:
    clock = Clock(undrawn=0)
    trials = [_trial(seed) for seed in range(4)]
    clock.expect(trials)
    assert clock.seconds_left() is None
    for trial in trials[:3]:
        clock.begin(trial)
    clock.running.pop(trials[0].id)
    clock.durations[trials[0].cell_id].append(10.0)
    clock.running[trials[1].id] = (trials[1].cell_id, 0.5)
    # one waiting (10 s), one half done (5 s), one just begun (10 s), two side by side
    assert clock.seconds_left() == 12.5


def test_progress_counts_every_way_of_ending() -> None:
    said = io.StringIO()
    trials = [_trial(seed) for seed in range(3)]
    plan = Plan(sweep="x", profile="demo", seeds=(0, 1, 2), cells=())
    console = Console(file=said, width=200)
    with Progress(plan, trials, hunted=0, reused=5, console=console) as progress:
        for trial in trials:
            progress.trial_started(trial, 1)
        progress.epoch(trials[0], EpochRecord(1, 2, 0.1, 1.0, 0.5, 1.0, 0.25, 1.0))
        drawn = _drawn(progress).splitlines()
        assert [" epoch 1/" in line for line in drawn] == [False, False, True, False, False]
        assert ["starting" in line for line in drawn] == [False, False, False, True, True]
        progress.trial_ended(trials[0], _ended(trials[0]))
        progress.trial_ended(trials[1], _ended(trials[1], TrialStatus.FAILED))
        assert "2/3 done, 1 running, 1 failed, 5 reused" in _drawn(progress)
    assert "1 failed, 1 finished, 5 reused" in said.getvalue()


def test_a_drawn_trial_is_called_by_what_was_drawn() -> None:
    trial = _trial(0)
    space = {"lr": {"kind": "choice", "values": [0.1]}, "batch_size": {"kind": "choice"}}
    search = Search(base={}, space=space)
    plan = Plan(sweep="x", profile="demo", seeds=(0,), cells=(), search=search)
    console = Console(file=io.StringIO(), width=200)
    progress = Progress(plan, [], hunted=3, reused=0, console=console)
    assert progress.name(trial) == "batch_size 128, lr 0.1"
    progress.trial_started(trial, 1)
    progress.trial_ended(trial, _ended(trial))
    assert "cells 1/3 done" in _drawn(progress)


def _drawn(progress: Progress) -> str:
    out = Console(file=io.StringIO(), width=200)
    out.print(progress.render())
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()
