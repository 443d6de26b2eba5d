"""The memory that the trials of a plan need, and what happens where it is not there."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from sweeper.execution.job import Job
from sweeper.execution.worker import on_disk, warm
from sweeper.spec.plan import Plan
from sweeper.spec.trial import TrialSpec
from sweeper.train.memory import Memory, memory_of_trial

GIB = 1 << 30


def footprints(plan: Plan, todo: Sequence[TrialSpec], device: torch.device) -> dict[str, Memory]:
    """Memory of a trial by the id of its cell, counted on `device`. Cells that differ in nothing
    that takes memory are counted once, those whose weights are not on disk not at all.
    """
    job = Job.of(plan)
    counted: dict[str, Memory] = {}
    found: dict[str, Memory] = {}
    for trial in todo:
        if trial.cell_id in found or not on_disk(trial, job):
            continue
        recipe = {"batch_size", "optimizer"}
        key = trial.model_copy(update={"seed": 0}).model_dump_json(exclude={"recipe": True})
        key += trial.recipe.model_dump_json(include=recipe)
        if key not in counted:
            plugin, backbone, task = warm(trial, job, device)
            counted[key] = memory_of_trial(
                trial,
                plugin=plugin,
                backbone=backbone,
                task=task,
                device=device,
                workers=plan.resources.workers,
            )
        found[trial.cell_id] = counted[key]
    return found


def known_footprints(plan: Plan, todo: Sequence[TrialSpec]) -> dict[str, float]:
    """GiB of a trial by the id of its cell; nothing where only the cluster has GPUs."""
    if plan.resources.gpus and not torch.cuda.is_available():
        return {}
    device = torch.device("cuda" if plan.resources.gpus else "cpu")
    return {cell: memory.total / GIB for cell, memory in footprints(plan, todo, device).items()}


def gpu_room(plan: Plan) -> int | None:
    """Bytes of a GPU that a trial of `plan` may fill; None without GPUs, or where none is here."""
    if not plan.resources.gpus or not torch.cuda.is_available():
        return None
    share = min(1.0, plan.resources.gpus)
    return int(share * torch.cuda.get_device_properties(0).total_memory)


def shortages(plan: Plan, todo: Sequence[TrialSpec]) -> list[str]:
    """A line for each cell whose trials are larger than their share of this machine's GPU.

    Counted on the CPU, so that the GPU is left to the trials.
    """
    room = gpu_room(plan)
    if room is None:
        return []
    found = footprints(plan, todo, torch.device("cpu"))
    return [
        shortage(trial, found[trial.cell_id], room, plan.resources.workers)
        for trial in {trial.cell_id: trial for trial in todo}.values()
        if trial.cell_id in found and found[trial.cell_id].on_gpu(room) > room
    ]


def shortage(trial: TrialSpec, memory: Memory, room: int, workers: int) -> str:
    """What is too large, and what will happen."""
    outcome = (
        "batches will be cut into micro-batches and the cell marked"
        if workers == 1
        else "it will fail: several workers do not cut batches. Lower batch_size, or add workers"
    )
    return (
        f"memory: {trial.method} on {trial.backbone}, {trial.task}, batch_size "
        f"{trial.recipe.batch_size} needs about {memory.on_gpu(room) / GIB:.1f} GiB, a trial has "
        f"{room / GIB:.1f} GiB of a GPU; {outcome}"
    )
