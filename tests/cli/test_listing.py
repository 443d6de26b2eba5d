"""What is installed is listed with what it accepts."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.cli.conftest import Said

Command = Callable[..., Said]


def test_methods_lists_every_built_in_method(command: Command) -> None:
    listed = {m["name"] for m in json.loads(command("methods", "--json").out)["methods"]}
    assert listed >= {"tp", "lp", "iip", "pgn"}


def test_one_method_shows_bounds_defaults_and_sources(command: Command) -> None:
    said = command("methods", "pgn")
    assert said.code == 0
    line = next(line for line in said.out.splitlines() if line.startswith("library_size"))
    assert "64" in line
    assert "Table 3b" in line


def test_unknown_method_gets_the_nearest_name(command: Command) -> None:
    said = command("methods", "pngn")
    assert said.code == 2
    assert "pgn" in said.err
