"""`sweeper check` says which promise of a method is broken, and where."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import methods
from tests.cli.conftest import Said

Command = Callable[..., Said]
TEMPLATE = (Path(methods.__path__[0]) / "_template.py").read_text()


def test_a_file_that_keeps_its_promises_is_said_to(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(TEMPLATE)
    said = command("check", str(path), "lp")
    assert said.code == 0, said.err
    assert "BROKEN" not in said.out
    assert "kept  mine on embedded: backbone stays as it is" in said.out
    assert "mine on random-vit" not in said.out  # it needs text
    assert "kept  lp on random-vit: backbone stays as it is" in said.out


def test_a_broken_promise_is_named_with_the_file(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(TEMPLATE.replace("Trainable:", "Count:"))
    said = command("check", str(path), "--json")
    assert said.code == 2
    assert f"method file {path}: its docstring lacks Trainable:" in said.err
    assert json.loads(command("check", "tp", "--json").out)["methods"] == ["tp"]
