"""How long the missing trials of a plan will take: from the records, else from a short probe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

import torch

from sweeper.execution.job import Job
from sweeper.execution.worker import on_disk, other_splits, warm
from sweeper.records import TrialResult
from sweeper.spec.plan import Plan
from sweeper.spec.trial import TrialSpec
from sweeper.train.probe import probe_seconds


def estimate_seconds(
    plan: Plan, todo: Sequence[TrialSpec], done: Mapping[str, TrialResult]
) -> dict[str, float | None]:
    """Seconds by trial id. A cell with a finished seed takes as long as that one did; another is
    probed where this machine could run it; None where only the cluster can say, or weights are
    not on disk.
    """
    taken: dict[str, list[float]] = {}
    for trial in plan.trials():
        if trial.id in done and done[trial.id].test is not None:
            taken.setdefault(trial.cell_id, []).append(done[trial.id].seconds)
    guesses: dict[str, float | None] = {cell: fmean(values) for cell, values in taken.items()}
    for trial in todo:
        if trial.cell_id not in guesses:
            guesses[trial.cell_id] = _probed(plan, trial)
    return {trial.id: guesses[trial.cell_id] for trial in todo}


def _probed(plan: Plan, trial: TrialSpec) -> float | None:
    if plan.resources.gpus and not torch.cuda.is_available():
        return None
    job = Job.of(plan)
    if not on_disk(trial, job):
        return None
    device = torch.device("cuda" if plan.resources.gpus else "cpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, int(plan.resources.cpus)))
    try:
        plugin, backbone, task = warm(trial, job, device)
        return probe_seconds(
            trial,
            plugin=plugin,
            backbone=backbone,
            task=task,
            device=device,
            others=other_splits(trial, job, backbone.info.preprocessing),
        )
    finally:
        torch.set_num_threads(threads)
