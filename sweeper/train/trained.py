"""What a trial has trained, kept when it ends: enough to build its model again without its data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor, nn

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import CheckpointError
from sweeper.tasks.task import TaskInfo
from sweeper.train import tensor_file
from sweeper.train.state import state_of

VERSION = 1


@dataclass(frozen=True)
class Trained:
    """Tensors by the names of `sweeper.train.state`, and what they were trained for."""

    trial_id: str
    classes: tuple[str, ...]
    template: str
    preprocessing: Preprocessing
    state: Mapping[str, Tensor]
    buffers: frozenset[str]  # names in `state` that no gradient reached, such as running means


def keep(
    method: nn.Module, path: Path, *, trial_id: str, task: TaskInfo, preprocessing: Preprocessing
) -> None:
    """Write what `method` has learned to `path`, atomically; nothing where there is nothing."""
    state = state_of(method)
    if state:
        buffers = frozenset(state) - {name for name, _ in method.named_parameters()}
        write(
            Trained(trial_id, task.classes, task.template, preprocessing, state, buffers),
            path,
        )


def write(trained: Trained, path: Path) -> str:
    """Write `trained` to `path`, atomically; returns the digest of its tensors."""
    header = {
        "version": VERSION,
        "trial": trained.trial_id,
        "classes": trained.classes,
        "template": trained.template,
        "preprocessing": asdict(trained.preprocessing),
        "buffers": sorted(trained.buffers),
    }
    return tensor_file.write(path, trained.state, header)


def read(path: Path) -> Trained:
    """What `write` wrote. Raises CheckpointError: damaged, or of another version."""
    written, state = tensor_file.read(path, VERSION)
    try:
        # as JSON: there lists stand for tuples
        header = _Header.model_validate_json(json.dumps(written))
    except (ValidationError, ValueError) as error:
        raise CheckpointError(f"{path}: not what a trial has learned ({error})") from error
    return Trained(
        trial_id=header.trial,
        classes=header.classes,
        template=header.template,
        preprocessing=header.preprocessing,
        state=state,
        buffers=header.buffers,
    )


class _Header(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False)

    trial: str
    classes: tuple[str, ...]
    template: str
    preprocessing: Preprocessing
    buffers: frozenset[str]


def digest_of(path: Path) -> str:
    """The digest of the tensors at `path`, checked. Raises CheckpointError as `read`."""
    digest: str = tensor_file.read(path, VERSION)[0]["digest"]
    return digest
