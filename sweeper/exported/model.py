"""From an exported folder to the module as it stood at the end of training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import nn

from sweeper.backbones import towers
from sweeper.backbones.backbone import Backbone, BackboneInfo
from sweeper.backbones.setting import AS_RELEASED, Setting
from sweeper.discovery import find, identity_of, installed, is_path
from sweeper.errors import CheckpointError, InputError, Problem
from sweeper.exported.description import (
    METHOD_FILE,
    TENSORS_FILE,
    Description,
    TensorEntry,
    describe,
    entries,
)
from sweeper.method import MethodParams, Plugin
from sweeper.seeds import derive
from sweeper.spec.sources import WEIGHTS, kind_of
from sweeper.train.state import load_state, state_of
from sweeper.train.trained import Trained, read


def load(
    folder: str | Path,
    backbone: Backbone | None = None,
    device: str | torch.device = "cpu",
    method: str | Path | None = None,
    backbone_path: str | Path | None = None,
) -> nn.Module:
    """The exported model in `eval` mode: normalised images [B, 3, S, S] to logits [B, K].

    backbone: frozen, on `device`; None loads the one that the model was trained on.
    method: the user's method file, relative to `folder`, where the model needs one. It is run
        only if it is given here, and only if its digest is the recorded one.
    backbone_path: the user's file of weights, where the model was trained on one.

    Raises InputError with all that does not fit, before anything of the method is run; once more
    where the method that is installed has other tensors.
    """
    folder = Path(folder)
    found = describe(folder)
    problems, trained = _read(folder, found)
    setting = _setting(found)
    path = "" if backbone_path is None else str(Path(backbone_path).expanduser().absolute())
    if backbone is not None:
        info = backbone.info
    elif kind_of(found.weights) == "weights" and not path:
        raise InputError([*problems, _without_file(found)])
    else:
        info = towers.describe(found.backbone, setting, path=path)
    problems += _backbone_problems(found, info)
    problems += _method_problems(folder, found, method)
    if problems or trained is None:
        raise InputError(problems)
    plugin = installed(found.method) if method is None else find(str(folder / method), Path())
    params = _params(plugin, found, info)
    if backbone is None:
        backbone = towers.load(found.backbone, device, setting, path=path)
    module = plugin.module(
        backbone=backbone,
        classes=found.classes,
        template=found.template,
        params=params,
        seed=derive(found.seed or 0, "model"),  # what is neither trained nor kept is drawn anew
    ).to(device)
    state = state_of(module)
    kinds = {name for name, _ in module.named_parameters()}
    own = {name: TensorEntry.of(state[name], buffer=name not in kinds) for name in state}
    problems = list(_differences(f"method '{found.method}' as installed", own, found.tensors))
    if problems:
        raise InputError(problems)
    load_state(module, trained.state)
    return module.eval()


def _read(folder: Path, found: Description) -> tuple[list[Problem], Trained | None]:
    """The tensors, with all in which their file is not what the description says."""
    path = folder / TENSORS_FILE
    try:
        trained = read(path)
    except CheckpointError as error:
        hint = "Export the trial again."
        return [Problem(str(path), str(error), "the file that was exported", hint)], None
    problems = list(_differences(str(path), entries(trained), found.tensors))
    pairs = {
        "id": (trained.trial_id, found.id),
        "classes": (trained.classes, found.classes),
        "template": (trained.template, found.template),
        "preprocessing": (trained.preprocessing, found.preprocessing),
    }
    problems += [
        Problem(f"{path}, {name}", f"{got!r}", f"{said!r}, as description.json says")
        for name, (got, said) in pairs.items()
        if got != said
    ]
    return problems, trained


def _differences(
    where: str, own: Mapping[str, TensorEntry], expected: Mapping[str, TensorEntry]
) -> Iterator[Problem]:
    for name in sorted(own.keys() | expected.keys()):
        if name not in own:
            yield Problem(where, f"no tensor '{name}'", f"{expected[name]} as exported")
        elif name not in expected:
            yield Problem(where, f"tensor '{name}'", "none of that name, as exported")
        elif own[name] != expected[name]:
            got, said = (f"{x}, a {x.meaning}" for x in (own[name], expected[name]))
            yield Problem(f"{where}, tensor '{name}'", got, f"{said}, as exported")


def _setting(found: Description) -> Setting:
    """In which setting the backbone was."""
    return AS_RELEASED if found.protocol is None else Setting.of(found.protocol)


def _without_file(found: Description) -> Problem:
    digest = found.weights.removeprefix(WEIGHTS)
    return Problem(
        f"backbone '{found.backbone}'",
        "a user's file of weights, which an export does not hold",
        f"`backbone_path=` in the call: the file whose sha256 begins with {digest}",
    )


def _backbone_problems(found: Description, info: BackboneInfo) -> Iterator[Problem]:
    pairs = {
        "name": (info.name, found.backbone),
        "weights": (info.weights, found.weights),
        "preprocessing": (info.preprocessing, found.preprocessing),
        "setting": (info.setting, _setting(found)),
    }
    for name, (got, expected) in pairs.items():
        if got != expected:
            yield Problem(f"backbone, {name}", f"'{got}'", f"'{expected}' as trained")


def _method_problems(
    folder: Path, found: Description, method: str | Path | None
) -> Iterator[Problem]:
    """Why the method cannot be had; nothing of it is run."""
    name, _, digest = found.method.partition("@")
    if is_path(found.method):
        where, rule = f"method '{found.method}'", "a method by its name; a description runs no file"
        yield Problem(where, "a path", rule)
        return
    if method is None:
        if digest and (folder / METHOD_FILE).exists():
            yield Problem(
                f"method '{found.method}'",
                "a user's file, which is not run unasked",
                "`method=` in the call",
                f'Read {folder / METHOD_FILE}, then pass method="./{METHOD_FILE}".',
            )
        return
    path = folder / method
    if not path.is_file():
        yield Problem(f"method file {path}", "there is no such file", f"that of '{found.method}'")
    elif not digest:
        yield Problem(f"method file {path}", "a file", f"none: '{name}' is built in")
    elif identity_of(name, path) != found.method:
        yield Problem(f"method file {path}", f"it is {identity_of(name, path)}", found.method)


def _params(plugin: Plugin, found: Description, info: BackboneInfo) -> MethodParams:
    where = f"method '{found.method}' as installed"
    try:
        params = plugin.params(**found.params)
    except ValidationError as error:
        raise InputError(
            Problem(f"{where}, {'.'.join(map(str, each['loc']))}", each["msg"], "as exported")
            for each in error.errors()
        ) from error
    reason = plugin.skip(params, info)
    if reason is not None:
        raise InputError(Problem(where, reason, f"what '{info.name}' can carry"))
    return params
