"""The JSON Schema of sweep files: valid draft 07, in step with the loader and with the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from sweeper.spec.document import read
from sweeper.spec.node import Mistakes
from sweeper.spec.schema import json_schema

from .sheet import BASE, complaints, write
from .shelf import Shelf
from .test_cells import ABLATION
from .test_draw import METHODS
from .test_search import SEARCH

SPACES = Path(__file__).parents[2] / "search_spaces"


def _errors(folder: Path, text: str) -> list[str]:
    node = read(write(folder, text), Mistakes())
    assert node is not None
    found = Draft7Validator(json_schema(Shelf())).iter_errors(node.plain())
    return [".".join(map(str, error.path)) for error in found]


def test_it_is_a_draft_07_schema() -> None:
    Draft7Validator.check_schema(json_schema(Shelf()))


@pytest.mark.parametrize(
    "text",
    [
        ABLATION + "over: {task: [digits, ./images]}\nseeds: 3\nprofiles: {demo: {ablate: null}}\n",
        BASE + "over: {task: [digits, digits+shapes, ./images+digits]}\n",
        SEARCH + "metric: {name: val/acc}\nbudget: {max_hours: 2}\n",
        METHODS + "exclude: [{method: lp, lr: [0.1, 1]}]\nprotocol: {selection: last}\n",
        BASE.replace("method: pgn", "method: ./mine.py\n  its_own: 3") + "  lr: null\n",
        BASE + "report: {tables: [{id: a, title: b, axis: c}], curves: [], note: x}\n",
    ],
)
def test_it_takes_what_the_loader_takes(tmp_path: Path, text: str) -> None:
    assert _errors(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (BASE + "  prompt_lenght: 3\n", "base"),
        (BASE + "  prompt_length: 0\n", "base.prompt_length"),
        (BASE + "  optimizer: adam\n", "base.optimizer"),
        (BASE.replace("pgn", "pgm"), "base.method"),
        (BASE.replace("digits", "digts"), "base.task"),
        (BASE.replace("digits", "digits+"), "base.task"),
        (BASE + "seed: [1]\n", ""),
        (BASE + "resources: {cpu: 1}\n", "resources"),
        (BASE + "ablate: {trunk: {value: [mlp]}}\n", "ablate.trunk"),
        (BASE + "report: {tables: [{id: a, axis: b}]}\n", "report.tables.0"),
        (BASE + "profiles: {demo: {base: {lr: -1}}}\n", "profiles.demo.base.lr"),
    ],
)
def test_it_refuses_what_the_loader_refuses(tmp_path: Path, text: str, place: str) -> None:
    assert _errors(tmp_path, text) == [place]
    assert complaints(tmp_path, text)


def test_it_describes_a_parameter_for_every_method_that_has_it() -> None:
    schema: dict[str, Any] = json_schema(Shelf())
    settings = schema["definitions"]["settings"]
    assert settings["prompt_length"]["description"] == (
        "iip: no description, default 8; pgn: number of prompts, default 8"
    )
    assert settings["lr"]["description"] == "peak learning rate"
    assert settings["task"]["anyOf"][0] == {"enum": ["digits", "shapes", "textures"]}


@pytest.mark.slow
def test_the_shipped_schema_is_up_to_date() -> None:
    from sweeper.catalog import Installed

    shipped = (SPACES / "sweep.schema.json").read_text(encoding="utf-8")
    wanted = json.dumps(json_schema(Installed()), indent=2) + "\n"
    assert shipped == wanted, "run: sweeper schema > search_spaces/sweep.schema.json"


def test_the_shipped_sweeps_satisfy_the_shipped_schema() -> None:
    validator = Draft7Validator(json.loads((SPACES / "sweep.schema.json").read_text("utf-8")))
    paths = sorted(SPACES.rglob("*.y*ml"))
    assert len(paths) >= 3
    for path in paths:
        node = read(path, Mistakes())
        assert node is not None
        assert [error.message for error in validator.iter_errors(node.plain())] == []
