"""The body of a Tune actor: a trial inside the actor, or under Ray Train.

Inside, the actor keeps its backbones and tasks warm for the next trial. Under Ray Train the actor
takes no resources and only waits, while Ray Train places the workers; each of them reads its
shard of every batch and all of them report, because a report is a meeting point; Tune hears the
first.

The driver imports this file, and seconds of torch and Ray Train with it would be for nothing: the
functions that run in a worker import what they need.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray import tune

from sweeper.execution.job import Job
from sweeper.execution.message import of_start
from sweeper.execution.placement import launcher
from sweeper.spec.plan import Resources
from sweeper.spec.trial import TrialSpec

Trainable = Callable[[dict[str, Any]], None]


def trainable(job: Job, scratch: Path) -> Trainable:
    """What Tune runs for the configuration {"trial": a TrialSpec as JSON}, with its resources.

    Ray Train keeps its own state under `scratch`.
    """
    if launcher(job.resources) == "train":

        def wait(config: dict[str, Any]) -> None:
            _settle(job, scratch)
            _train_distributed(config["trial"], job, scratch)

        return _placed(wait, {"cpu": 0, "memory": 1})  # Tune refuses to place what asks nothing

    def train(config: dict[str, Any]) -> None:
        _settle(job, scratch)
        _train_inline(config["trial"], job)

    asked = {"cpu": job.resources.cpus, "gpu": job.resources.gpus}
    return _placed(train, asked)


def _placed(body: Trainable, asked: dict[str, float]) -> Trainable:
    found: Trainable = tune.with_resources(body, asked)
    return found


def _settle(job: Job, scratch: Path) -> None:
    """Before a trial begins: nodes come and go while the driver only looks on."""
    from sweeper.execution.node import check_drained, check_node

    check_drained()
    check_node(job, scratch)


def _train_inline(trial: str, job: Job) -> None:
    import torch

    from sweeper.execution.worker import messages

    device = torch.device("cuda" if job.resources.gpus else "cpu")
    for message in messages(TrialSpec.model_validate_json(trial), job, device):
        tune.report(message)


def _train_distributed(trial: str, job: Job, scratch: Path) -> None:
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer
    from ray.tune.integration.ray_train import TuneReportCallback

    resources = job.resources
    TorchTrainer(
        _train_shard,
        train_loop_config={"trial": trial, "job": job},
        scaling_config=ScalingConfig(
            num_workers=resources.workers,
            use_gpu=resources.gpus > 0,
            resources_per_worker=_per_worker(resources),
        ),
        run_config=RunConfig(
            name=TrialSpec.model_validate_json(trial).id,
            storage_path=str(scratch / "train"),
            failure_config=FailureConfig(max_failures=0),  # Tune is who tries again
            callbacks=[TuneReportCallback()],  # type: ignore[list-item, no-untyped-call]
        ),
    ).fit()


def _train_shard(config: dict[str, Any]) -> None:
    import ray.train.torch

    from sweeper.execution.worker import messages
    from sweeper.train.shard import Shard

    ray.train.report(of_start())
    context = ray.train.get_context()
    shard = Shard(context.get_world_rank(), context.get_world_size())
    spec = TrialSpec.model_validate_json(config["trial"])
    for message in messages(spec, config["job"], ray.train.torch.get_device(), shard):
        ray.train.report(message)


def _per_worker(resources: Resources) -> dict[str, float]:
    asked = {"CPU": resources.cpus}
    return asked | {"GPU": resources.gpus} if resources.gpus else asked
