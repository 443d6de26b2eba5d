"""`description.json`: everything that is known of an exported model, and needed to build it."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError, Problem
from sweeper.records import Score, TrialResult
from sweeper.spec.trial import Protocol, Recipe, TrialSpec
from sweeper.train.trained import Trained

FORMAT = 1
DESCRIPTION_FILE = "description.json"
TENSORS_FILE = "model.safetensors"
CARD_FILE = "README.md"
METHOD_FILE = "method.py"

_PARAMETER, _BUFFER = "trained parameter", "persistent buffer"


class TensorEntry(BaseModel):
    """What one tensor of the file is like."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shape: tuple[int, ...]
    dtype: str  # as torch writes it, such as 'float32'
    meaning: Literal["trained parameter", "persistent buffer"]

    @classmethod
    def of(cls, tensor: Tensor, *, buffer: bool) -> TensorEntry:
        """The entry of `tensor`."""
        dtype = str(tensor.dtype).removeprefix("torch.")
        meaning: Any = _BUFFER if buffer else _PARAMETER
        return cls(shape=tuple(tensor.shape), dtype=dtype, meaning=meaning)

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


class Description(BaseModel):
    """The content of `description.json`. What nobody recorded is None or empty."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    format: int = FORMAT
    id: str  # of the trial, or 'release-' and the digest of a released file
    origin: str  # where the tensors come from, in one line
    notes: tuple[str, ...] = ()
    method: str  # a built-in name, or name@digest of a file
    method_text: str  # its own docstring: equation, shapes, deviations
    params: dict[str, Any]
    backbone: str
    weights: str  # digest or tag of the backbone's weights
    preprocessing: Preprocessing
    task: str
    data: str  # version or content digest of the task's data
    classes: tuple[str, ...]
    template: str
    seed: int | None = None
    recipe: Recipe | None = None
    protocol: Protocol | None = None
    val: Score | None = None
    test: Score | None = None
    trainable_parameters: int
    tensors: dict[str, TensorEntry]
    provenance: dict[str, str] = {}


def of_trial(
    spec: TrialSpec, result: TrialResult, trained: Trained, method_text: str
) -> Description:
    """The description of a finished trial."""
    return Description(
        id=spec.id,
        origin=f"trial {spec.id}, trained by sweeper",
        method=spec.method,
        method_text=method_text,
        params=spec.params,
        backbone=spec.backbone,
        weights=spec.weights,
        preprocessing=trained.preprocessing,
        task=spec.task,
        data=spec.data,
        classes=trained.classes,
        template=trained.template,
        seed=spec.seed,
        recipe=spec.recipe,
        protocol=spec.protocol,
        val=result.val,
        test=result.test,
        trainable_parameters=result.trainable_parameters,
        tensors=entries(trained),
        provenance=result.provenance,
    )


def entries(trained: Trained) -> dict[str, TensorEntry]:
    """Name -> entry of every tensor."""
    return {
        name: TensorEntry.of(value, buffer=name in trained.buffers)
        for name, value in sorted(trained.state.items())
    }


def docstring(source: bytes) -> str:
    """The docstring of a method file, which is parsed and not run."""
    return ast.get_docstring(ast.parse(source)) or ""


def describe(folder: str | Path) -> Description:
    """The description in an exported folder; raises InputError where it cannot be read."""
    path = Path(folder) / DESCRIPTION_FILE
    expected = "an export of format " + str(FORMAT)
    try:
        text = path.read_text(encoding="utf-8")
        version = json.loads(text)["format"]
    except FileNotFoundError as error:
        raise InputError(Problem(str(path), "there is no such file", expected)) from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(Problem(str(path), f"unreadable ({error})", expected)) from error
    if version != FORMAT:
        raise InputError(Problem(str(path), f"format {version}", expected, "Update sweeper."))
    try:
        return Description.model_validate_json(text)
    except ValidationError as error:
        raise InputError(
            Problem(f"{path}, {'.'.join(map(str, each['loc']))}", each["msg"], expected)
            for each in error.errors()
        ) from error
