"""An imported method file -> `Plugin`, or everything that is wrong with it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ValidationError
from torch import nn

from sweeper.backbones.backbone import WAYS
from sweeper.errors import InputError, Problem, nearest
from sweeper.method import MethodParams, Plugin
from sweeper.spec.guard import OFFICIAL, TESTED
from sweeper.spec.space import Choice, Integers, LogUniform, Space, Uniform
from sweeper.spec.trial import Protocol, Recipe, TrialSpec

PIECES = {
    "Params": "class Params(MethodParams)",
    "SPACE": "SPACE, parameter -> space",
    "PRESETS": "PRESETS, name -> settings",
    "REQUIRES": "REQUIRES, ways into a backbone",
    "skip": "def skip(params, backbone)",
    "Method": "class Method(nn.Module)",
}

TAKEN = {*Recipe.model_fields, *Protocol.model_fields, *TrialSpec.model_fields}

KEYWORDS = {"backbone", "classes", "template", "params", "seed"}  # of Method.__init__

KINDS: dict[str, Any] = {
    "SPACE": Mapping,
    "PRESETS": Mapping,
    "REQUIRES": frozenset,
    "skip": Callable,
}


def read(module: ModuleType, name: str, source: Path, *, identity: str) -> Plugin:
    """The plugin in an imported file.

    Raises:
        InputError: with every missing piece, or else with every broken rule.
    """
    missing = [rule for piece, rule in PIECES.items() if not hasattr(module, piece)]
    if not (module.__doc__ or "").strip():
        missing.insert(0, "a docstring")
    where = f"method file {source}"
    if missing:
        raise InputError(
            Problem(
                where,
                f"it lacks {'; '.join(missing)}",
                "every piece of the contract",
                "sweeper/method.py lists them, methods/_template.py shows them.",
            )
        )
    problems = [Problem(where, got, expected) for got, expected in _mistakes(module)]
    if problems:
        raise InputError(problems)
    return Plugin(
        name=name,
        identity=identity,
        summary=(module.__doc__ or "").strip().splitlines()[0],
        source=str(source),
        params=module.Params,
        space=module.SPACE,
        presets=module.PRESETS,
        requires=frozenset(module.REQUIRES),
        module=module.Method,
        trains=getattr(module, "TRAINS", True),
        tasks=tuple(getattr(module, "TASKS", ())),
        skip_rule=module.skip,
        features=getattr(module, "FEATURES", "own"),
    )


def _mistakes(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Every broken rule of a complete file, as (what was found, what is expected)."""
    wrong = [
        f"{piece} is a {type(getattr(module, piece)).__name__}"
        for piece, kind in KINDS.items()
        if not isinstance(getattr(module, piece), kind)
    ]
    if not _is_class(module.Params, MethodParams):
        wrong.append("Params is not a MethodParams")
    if wrong:
        yield ", ".join(wrong), "the kinds that the template shows"
        return
    yield from _params_mistakes(module.Params)
    yield from _space_mistakes(module.Params, module.SPACE)
    yield from _preset_mistakes(module.Params, module.PRESETS)
    for way in sorted(module.REQUIRES - WAYS.keys()):
        yield f"REQUIRES has '{way}'", f"ways into a backbone: {', '.join(WAYS)}"
    if not _is_class(module.Method, nn.Module):
        yield "Method is not an nn.Module", "class Method(nn.Module)"
    elif missing := KEYWORDS - inspect.signature(module.Method).parameters.keys():
        yield f"Method() does not take {', '.join(sorted(missing))}", "keywords as in the template"
    if getattr(module, "TRAINS", True) not in (True, False):
        yield f"TRAINS is {module.TRAINS!r}", "True or False"
    if (word := getattr(module, "FEATURES", "own")) not in ("own", "tower"):
        yield f"FEATURES is {word!r}", "'tower', or no such line"
    elif word == "tower" and not (
        hasattr(module.Method, "features") and hasattr(module.Method, "classify")
    ):
        yield "FEATURES is 'tower' without features() or classify()", "both of them"
    for name in getattr(module, "TASKS", ()):
        field = module.Params.model_fields.get(name)
        if field is None or field.annotation is not str:
            yield f"TASKS has '{name}'", "a parameter of Params that is a str"


def _is_class(thing: Any, parent: type) -> bool:
    return isinstance(thing, type) and issubclass(thing, parent)


def _params_mistakes(params: type[MethodParams]) -> Iterator[tuple[str, str]]:
    for name, field in params.model_fields.items():
        if name in TAKEN:
            yield f"parameter '{name}' is a name of the recipe or the trial", "another name"
        if field.is_required():
            yield f"parameter '{name}' has no default", "a default with its source"
        elif message := _refusal(params, {name: field.default}):
            yield f"the default of {message}", "a default within its own bounds"


def _space_mistakes(
    params: type[MethodParams], space: Mapping[str, Space]
) -> Iterator[tuple[str, str]]:
    for name, values in space.items():
        if name not in params.model_fields:
            known = list(params.model_fields)
            yield f"SPACE has '{name}'", f"a parameter of Params. {nearest(name, known)}"
            continue
        if not isinstance(values, Space):
            yield f"SPACE['{name}'] is {values!r}", "Choice, Uniform, LogUniform or Integers"
            continue
        for value in ends(values):
            if message := _refusal(params, {name: value}):
                yield f"SPACE reaches out of bounds: {message}", "values that Params takes"


def _preset_mistakes(
    params: type[MethodParams], presets: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    known = [*params.model_fields, *Recipe.model_fields, *Protocol.model_fields]
    for preset, settings in presets.items():
        for name, value in settings.items():
            if name not in known:
                yield (
                    f"preset '{preset}' sets '{name}'",
                    "a parameter, or a setting of the recipe or the protocol. "
                    f"{nearest(name, known)}",
                )
                continue
            model = next(m for m in (params, Recipe, Protocol) if name in m.model_fields)
            if preset != OFFICIAL and (name, value) == TESTED:
                yield (
                    f"preset '{preset}' has selection: best_test",
                    "it in the preset 'official' alone: what a paper's public code does",
                )
            if message := _refusal(model, {name: value}):
                yield f"preset '{preset}': {message}", "a value within the bounds"


def ends(space: Space) -> tuple[Any, ...]:
    """The values of a space that its bounds must admit: all choices, or the two ends."""
    match space:
        case Choice(values=values):
            return values
        case Integers(low=low, high=high) | Uniform(low=low, high=high):
            return (low, high)
        case LogUniform(low=low, high=high):
            return (low, high)


def _refusal(model: type[BaseModel], settings: Mapping[str, Any]) -> str:
    """Why `model` refuses the settings, or nothing."""
    try:
        model(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or ", ".join(settings)
        return f"'{name}' = {first['input']!r}: {first['msg']}"
    return ""
