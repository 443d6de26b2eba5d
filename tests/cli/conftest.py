"""The command line in this process: fast, with its exit code and its two streams."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sweeper.cli import app, output


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Said]:
    """Runs `sweeper WORDS` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(output.stderr, "soft_wrap", True)

    def run(*words: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["sweeper", *map(str, words)])
        capsys.readouterr()
        try:
            app.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run
