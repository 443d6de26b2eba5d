"""Released PGN weights (`.pt`) as an export.

A release is one flat dictionary of 63 tensors, named as those of `methods/pgn.py`, and nothing
else: no settings, no scores. Shapes give the library's size N and width D and the number of
prompts p; stem, mixing and resolution are those of the paper's code. A file is read without
unpickling code, and taken only if every name, shape and type is right.
"""

from __future__ import annotations

import hashlib
import pickle
import struct
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sweeper.backbones.backbone import BackboneInfo
from sweeper.discovery import find
from sweeper.errors import InputError, Problem
from sweeper.exported.description import Description, docstring, entries
from sweeper.tasks.task import TaskInfo
from sweeper.train.trained import Trained

LIBRARY, OUTPUT = "tl_vectors", "model.output_net.2.weight"
WIDTHS = (16, 32, 64, 128)  # of the trunk's four groups
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
STATISTICS = NORM[2:]
FIXED = {"trunk": "resnet10", "stem": "conv3", "resolution": 224, "generation": "library"}
FIXED |= {"projection": "linear", "mixing": "softmax"}
SWAPPED = {"pgn_clip_eurosat.pt": "RESISC45", "pgn_clip_resisc45.pt": "EuroSAT"}

# All that torch's own unpickler raises on a file that is not what it seems.
_BROKEN = (
    OSError,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    ArithmeticError,
    MemoryError,
    TypeError,
    AttributeError,
    AssertionError,
    struct.error,
    pickle.UnpicklingError,
)

Layout = dict[str, tuple[tuple[int, ...], torch.dtype]]


def read_release(path: str | Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Settings of `pgn` and its tensors, from a released file.

    Raises InputError that says what is missing, unexpected or of another shape.
    """
    path = Path(path)
    state = _unpickled(path)
    size, width = _matrix(state.get(LIBRARY)) or (256, 768)  # else those of CLIP's files, to say
    rows, _ = _matrix(state.get(OUTPUT)) or (0, 0)  # what is missing
    prompts = rows // size if rows % size == 0 and rows else 16
    wrong = list(_faults(state, layout(prompts, size, width)))
    if wrong:
        more = f", and {len(wrong) - 6} more" if len(wrong) > 6 else ""
        raise _not_a_release(path, "; ".join(wrong[:6]) + more)
    return {"prompt_length": prompts, "library_size": size, **FIXED}, state


def layout(prompts: int, size: int, width: int) -> Layout:
    """Name -> (shape, type) of the tensors of a release: p prompts, library [N, D]."""
    shapes: dict[str, tuple[int, ...]] = {LIBRARY: (size, width)}
    shapes["model.input_net.0.weight"] = (WIDTHS[0], 3, 3, 3)
    norms = {"model.input_net.1": WIDTHS[0]}
    for group, (into, out) in enumerate(zip((WIDTHS[0], *WIDTHS), WIDTHS, strict=False)):
        block = f"model.blocks.{group}"
        shapes |= {f"{block}.net.0.weight": (out, into, 3, 3)}
        shapes |= {f"{block}.net.3.weight": (out, out, 3, 3)}
        norms |= {f"{block}.net.1": out, f"{block}.net.4": out}
        if out > into:
            shapes |= {f"{block}.downsample.weight": (out, into, 1, 1)}
            shapes |= {f"{block}.downsample.bias": (out,)}
    shapes |= {OUTPUT: (prompts * size, WIDTHS[-1]), "model.output_net.2.bias": (prompts * size,)}
    found: Layout = {name: (shape, torch.float32) for name, shape in shapes.items()}
    for norm, channels in norms.items():
        found |= {f"{norm}.{name}": ((channels,), torch.float32) for name in NORM[:-1]}
        found[f"{norm}.{NORM[-1]}"] = ((), torch.int64)
    return found


def of_release(path: Path, task: TaskInfo, backbone: BackboneInfo) -> tuple[Description, Trained]:
    """A released file as an export for `task` on `backbone`.

    Raises InputError: the file as for `read_release`; the backbone has another width or cannot
    carry the prompts; the classes of the task are not known here.
    """
    params, state = read_release(path)
    plugin = find("pgn", Path())
    head = "text" if "text" in backbone.ways else "mapped"  # Table 5, Table 4
    settings = plugin.params(**(params | {"head": head}))
    problems = list(_misfits(path, state[LIBRARY].shape[1], task, backbone))
    reason = plugin.skip(settings, backbone)
    if reason is not None:
        problems.append(Problem(f"backbone '{backbone.name}'", reason, "one that carries them"))
    if problems:
        raise InputError(problems)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    buffers = frozenset(name for name in state if name.endswith(STATISTICS))
    identity = f"release-{digest}"
    trained = Trained(identity, task.classes, task.template, backbone.preprocessing, state, buffers)
    description = Description(
        id=identity,
        origin=f"the released file {path.name}, sha256 {digest}",
        notes=tuple(doubts(path, params, state)),
        method="pgn",
        method_text=docstring(Path(plugin.source).read_bytes()),
        params=settings.model_dump(),
        backbone=backbone.name,
        weights=backbone.weights,
        preprocessing=backbone.preprocessing,
        task=task.name,
        data=task.data,
        classes=task.classes,
        template=task.template,
        trainable_parameters=sum(v.numel() for k, v in state.items() if k not in buffers),
        tensors=entries(trained),
    )
    return description, trained


def doubts(path: Path, params: Mapping[str, Any], state: Mapping[str, Tensor]) -> Iterator[str]:
    """What a user should know before they trust the file, one line each."""
    if path.name in SWAPPED:
        yield (
            f"{path.name} seems to hold the weights for {SWAPPED[path.name]}: its batch counts and "
            "first-layer statistics fit that set; the released EuroSAT and RESISC45 files look "
            "swapped, so give --task crosswise if you agree."
        )
    if params["library_size"] == 128 and state[LIBRARY].shape[1] == 768:
        yield (
            "A library of 128 vectors is that of the files released for a supervised ViT-B, those "
            "for CLIP have 256; on a CLIP backbone its prompts mean nothing."
        )


def _unpickled(path: Path) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the pickle inside, which is refused or right
            found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise _not_a_release(path, "there is no such file") from error
    except _BROKEN as error:
        reason = f"it cannot be read as tensors alone ({type(error).__name__})"
        raise _not_a_release(path, reason) from error
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise _not_a_release(path, f"it holds a {type(found).__name__}, not named tensors")
    return dict(found)


def _faults(state: Mapping[str, Any], expected: Layout) -> Iterator[str]:
    yield from (f"'{name}' is missing" for name in expected if name not in state)
    yield from (f"'{name}' is unexpected" for name in sorted(state) if name not in expected)
    for name, (shape, dtype) in expected.items():
        value = state.get(name)
        if name not in state:
            continue
        if not isinstance(value, Tensor):
            yield f"'{name}' is a {type(value).__name__}"
        elif not _plain(value):
            yield f"'{name}' is not a plain tensor"
        elif (tuple(value.shape), value.dtype) != (shape, dtype):
            yield f"'{name}' is {value.dtype} {list(value.shape)}, not {dtype} {list(shape)}"


def _matrix(value: Any) -> tuple[int, int] | None:
    """The shape of a matrix with entries; None for anything else."""
    if not isinstance(value, Tensor) or value.dim() != 2 or not value.numel():
        return None
    return value.shape[0], value.shape[1]


def _plain(value: Tensor) -> bool:
    return value.layout == torch.strided and value.device.type == "cpu"


def _not_a_release(path: Path, got: str) -> InputError:
    expected = (
        f"the 63 tensors of a released PGN: '{LIBRARY}' [N, D], '{OUTPUT}' [p * N, 128] and the "
        "ResNet10 between them"
    )
    return InputError(Problem(f"released file {path}", got, expected))


def _misfits(path: Path, width: int, task: TaskInfo, backbone: BackboneInfo) -> Iterator[Problem]:
    if width != backbone.width:
        hint = "A library 384 wide was made for a DINO ViT-S/16." if width == 384 else ""
        yield Problem(
            f"released file {path}",
            f"its library is {width} wide",
            f"the width of backbone '{backbone.name}', {backbone.width}",
            hint,
        )
    if not task.classes:
        yield Problem(
            f"task '{task.name}'", "its classes are not known here", "its files", task.available
        )
