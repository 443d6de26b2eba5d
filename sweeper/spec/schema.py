"""The JSON Schema (draft 07) of sweep files, for editors: names, descriptions, bounds.

An editor cannot know whether a combination makes sense; `sweeper validate` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sweeper.spec.catalog import Catalog
from sweeper.spec.file_name import FILE_NAME
from sweeper.spec.layers import OF_A_PROFILE
from sweeper.spec.plan import Budget, EarlyTerminate, Metric, Resources, Search
from sweeper.spec.ranges import DISTRIBUTIONS
from sweeper.spec.shown import Curve, Figure, Table
from sweeper.spec.trial import Protocol, Recipe

Schema = dict[str, Any]
_SCALAR: Schema = {"type": ["string", "number", "boolean"]}
_NULL: Schema = {"type": "null"}  # what a profile writes to unset something
_MAPPING = ["object", "null"]
_ABOUT = {
    "name": "names folders and files; the file's stem by default",
    "extends": "path of a sweep file that this one is laid over",
    "metric": "what the sweep is after",
    "base": "the settings of every cell, unless it changes them",
    "ablate": "one factor at a time against `base`",
    "over": "factors that are crossed with every cell",
    "parameters": "a full grid, or with `search` the space to draw from; W&B's vocabulary",
    "when": "the parameter varies only where these settings hold one of these values",
    "exclude": "combinations that are left out",
    "seeds": "a list, or a number n for 0 to n-1",
    "search": "an adaptive search over `parameters`",
    "early_terminate": "successive halving of a search",
    "protocol": "what is selected on and trained on, and the precision",
    "resources": "what one trial gets",
    "budget": "where a launch stops by itself",
    "report": "the tables, curves and figures that the sweep fills",
    "profiles": "named overrides; `demo` is the default where it exists",
}


def json_schema(catalog: Catalog) -> Schema:
    """The schema of sweep files that name what `catalog` lists."""
    settings = _settings(catalog)
    sections = _sections(list(settings))
    pointers = {name: {"$ref": f"#/definitions/{name}"} for name in OF_A_PROFILE}
    profile = {"type": "object", "properties": pointers, "additionalProperties": False}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A sweep",
        "type": "object",
        "properties": {
            "name": {
                "type": "string",
                "pattern": f"^{FILE_NAME.pattern}$",
                "description": _ABOUT["name"],
            },
            "extends": {"type": "string", "description": _ABOUT["extends"]},
            **pointers,
            "profiles": {
                "type": "object",
                "propertyNames": {"pattern": f"^{FILE_NAME.pattern}$"},
                "additionalProperties": profile,
                "description": _ABOUT["profiles"],
            },
        },
        "additionalProperties": False,
        "definitions": {
            **{name: {**sections[name], "description": _ABOUT[name]} for name in OF_A_PROFILE},
            "settings": settings,
            "row": _row(),
        },
    }


def _settings(catalog: Catalog) -> dict[str, Schema]:
    """Every setting by its name: what it is and which values it takes."""
    owned: dict[str, list[tuple[str, Schema]]] = {}
    presets: set[str] = set()
    for method in catalog.methods():
        entry = catalog.method(method, Path())
        presets.update(entry.presets())
        for name, shape in entry.schema().get("properties", {}).items():
            owned.setdefault(name, []).append((method, _bare(shape)))
    return {
        "method": _named(catalog.methods(), "how prompts are made; or ./my_method.py"),
        "backbone": _named(catalog.backbones(), "the frozen network; or ./weights.safetensors"),
        "task": _named(
            catalog.tasks(),
            "the data set; or ./my_images, one folder a class; or several, joined by '+'",
            r"^\.|/|.\+.",
        ),
        "preset": {"enum": sorted(presets), "description": "of the method; `base` is over it"},
        **_properties(Recipe),
        **_properties(Protocol),
        **{name: _shared(shapes) for name, shapes in sorted(owned.items())},
    }


def _sections(settings: Sequence[str]) -> dict[str, Schema]:
    refs: dict[str, Schema] = {
        name: {"$ref": f"#/definitions/settings/{name}"} for name in settings
    }
    axes = {"type": _MAPPING, "properties": {name: _axis(ref) for name, ref in refs.items()}}
    axes["additionalProperties"] = _axis(_SCALAR)
    spaces = {name: _space(ref) for name, ref in refs.items()}
    condition = {"type": "object", "additionalProperties": _one_or_list(_SCALAR)}
    shown: dict[str, type[BaseModel]]
    shown = {"tables": Table, "curves": Curve, "figures": Figure}
    search = {name: _properties(Search)[name] for name in ("method", "num_trials")}
    own_file = {"properties": {"method": {"pattern": r"^\.|/"}}, "required": ["method"]}
    return {
        "metric": _of(Metric),
        "base": {
            "type": _MAPPING,
            "properties": {name: {"anyOf": [ref, _NULL]} for name, ref in refs.items()},
            "if": own_file,
            "then": {},
            "else": {"propertyNames": {"enum": [*settings]}},
        },
        "ablate": axes,
        "over": {"allOf": [{"$ref": "#/definitions/ablate"}]},
        "parameters": {
            "type": _MAPPING,
            "properties": spaces,
            "additionalProperties": _space(_SCALAR),
        },
        "when": {"type": _MAPPING, "additionalProperties": condition},
        "exclude": _list(condition),
        "seeds": _one_or_list({"type": "integer", "minimum": 0}),
        "search": _closed({**search, "metric": _of(Metric)}),
        "early_terminate": _of(EarlyTerminate),
        "protocol": _of(Protocol),
        "resources": _of(Resources),
        "budget": _of(Budget),
        "report": _closed(
            {
                "note": {"type": "string", "description": "shown at the top of the report"},
                "min_seeds": {"type": "integer", "minimum": 1},
                **{name: _list(_of(model)) for name, model in shown.items()},
            }
        ),
    }


def _axis(shape: Schema) -> Schema:
    """Values of one setting, or labelled rows that change several."""
    row = {"$ref": "#/definitions/row"}
    values = {**_list({"anyOf": [shape, row]}), "minItems": 1}
    return {"anyOf": [_closed({"values": values}), values]}


def _row() -> Schema:
    words = {"label": "the row's name", "target_row": "the published row, if that is named else"}
    properties = {name: {"type": "string", "description": text} for name, text in words.items()}
    return {"type": "object", "properties": properties, "additionalProperties": _SCALAR}


def _space(shape: Schema) -> Schema:
    """Values of one setting, or a range to draw it from."""
    values = {**_list(shape), "minItems": 1}
    number = {"type": "number"}
    words: dict[str, Schema] = {"distribution": {"enum": list(DISTRIBUTIONS)}}
    words |= {"value": shape, "values": values, "min": number, "max": number, "q": number}
    return {"anyOf": [_closed(words), values]}


def _named(names: Sequence[str], about: str, pattern: str = r"^\.|/") -> Schema:
    """One of `names`, or something that reads like a path or a released model."""
    return {"anyOf": [{"enum": list(names)}, {"type": "string", "pattern": pattern}]} | {
        "description": about
    }


def _shared(shapes: Sequence[tuple[str, Schema]]) -> Schema:
    """One schema for a parameter that several methods have, each with its own bounds."""
    about = "; ".join(
        f"{method}: {shape.get('description', 'no description')}, default {shape.get('default')}"
        for method, shape in shapes
    )
    rules = [
        {key: value for key, value in shape.items() if key not in ("description", "default")}
        for _, shape in shapes
    ]
    distinct = [rule for i, rule in enumerate(rules) if rule not in rules[:i]]
    rule = distinct[0] if len(distinct) == 1 else {"anyOf": distinct}
    return {**rule, "description": about}


def _properties(model: type[BaseModel]) -> dict[str, Schema]:
    """The fields of a model of plain values, which read the same in draft 07."""
    found = model.model_json_schema()["properties"]
    return {name: _bare(shape) for name, shape in found.items()}


def _of(model: type[BaseModel]) -> Schema:
    required = model.model_json_schema().get("required", [])
    return _closed(_properties(model)) | ({"required": required} if required else {})


def _bare(shape: Mapping[str, Any]) -> Schema:
    return {key: value for key, value in shape.items() if key != "title"}


def _closed(properties: Mapping[str, Schema]) -> Schema:
    return {"type": _MAPPING, "properties": dict(properties), "additionalProperties": False}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _one_or_list(shape: Schema) -> Schema:
    return {"anyOf": [shape, _list(shape)]}
