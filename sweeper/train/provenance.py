"""What a trial was computed with and on, as its record keeps it: digests, settings, device."""

from __future__ import annotations

import platform
from collections.abc import Mapping

import torch

from sweeper.backbones.backbone import Backbone
from sweeper.backbones.weights_digest import weights_digest
from sweeper.spec.trial import TrialSpec
from sweeper.tasks.subset import fewer
from sweeper.tasks.task import Split, Task
from sweeper.train.shard import Shard


def provenance(
    spec: TrialSpec,
    backbone: Backbone,
    task: Task,
    others: Mapping[str, Split],
    device: torch.device,
    shard: Shard,
) -> dict[str, str]:
    """Of the trial `spec`, whose `task` has the images that its protocol asks for."""
    cuda = device.type == "cuda"
    return {
        "train_digest": task.train.digest(),
        "val_digest": task.val.digest(),
        "test_digest": task.test.digest(),
        **{f"{name}_digest": split.digest() for name, split in others.items()},
        **({"split_rule": task.info.rule} if task.info.rule else {}),
        **_shortage(task, spec),
        "metric": task.info.metric,
        **_frozen(backbone),
        "device": torch.cuda.get_device_name(device) if cuda else f"cpu {platform.machine()}",
        "torch": torch.__version__,
        "threads": str(torch.get_num_threads()),
        "workers": str(shard.size),
    }


def _shortage(task: Task, spec: TrialSpec) -> dict[str, str]:
    """The classes that have fewer images than the shots of `spec`, if any."""
    short = fewer(task, spec.protocol)
    return {"fewer_than_shots": ", ".join(short)} if short else {}


def _frozen(backbone: Backbone) -> dict[str, str]:
    """What the frozen network was in effect, whatever names and words asked for it."""
    info, seen = backbone.info, backbone.info.preprocessing
    return {
        "weights_digest": weights_digest(backbone),
        "preprocessing": (
            f"{seen.resize} {seen.size}px {seen.interpolation} mean={seen.mean} std={seen.std}"
        ),
        "pooling": info.pooling,
        "final_norm": info.setting.final_norm,
        "activation": info.activation,
    }
