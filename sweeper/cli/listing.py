"""`methods`: what is installed and what each method accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sweeper.cli import options
from sweeper.cli.output import print_json, print_line, print_rows

Name = Annotated[str | None, typer.Argument(help="One of them, in detail.")]


def _rule(schema: dict[str, Any]) -> str:
    """The type and the bounds of a parameter, as one reads them: integer, >= 1, <= 4096."""
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    bounds = {
        ">=": "minimum",
        ">": "exclusiveMinimum",
        "<=": "maximum",
        "<": "exclusiveMaximum",
    }
    said = [f"{sign} {schema[key]:g}" for sign, key in bounds.items() if key in schema]
    return ", ".join([str(schema.get("type", "any")), *said])


def methods(name: Name = None, json: options.Json = False) -> None:
    """List the methods, or one method's parameters, bounds, defaults and sources."""
    from sweeper import discovery

    if name is None:
        plugins = [discovery.find(each, Path.cwd()) for each in discovery.names()]
        if json:
            print_json("methods", methods=[{"name": p.name, "summary": p.summary} for p in plugins])
            return
        print_rows(["method", "what it is"], [[p.name, p.summary] for p in plugins])
        return
    plugin = discovery.find(name, Path.cwd())
    if json:
        print_json(
            "method",
            name=plugin.name,
            summary=plugin.summary,
            source=plugin.source,
            requires=sorted(plugin.requires),
            params=plugin.params.model_json_schema(),
            presets={key: dict(value) for key, value in plugin.presets.items()},
        )
        return
    print_line(f"{plugin.name}: {plugin.summary}")
    print_line(f"needs {', '.join(sorted(plugin.requires)) or 'nothing'}; from {plugin.source}")
    rows = []
    for key, schema in plugin.params.model_json_schema().get("properties", {}).items():
        rows.append([key, _rule(schema), str(schema.get("default")), schema.get("description", "")])
    print_rows(["parameter", "values", "default", "source"], rows)
    for preset, settings in plugin.presets.items():
        print_line(f"preset {preset}: " + ", ".join(f"{k}={v}" for k, v in settings.items()))
