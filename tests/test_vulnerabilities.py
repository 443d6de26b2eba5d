"""`make check` fails for a known vulnerability, and says where it could not ask."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

FILE = Path(__file__).resolve().parents[1] / ".ci" / "vulnerabilities.py"
BAD = {"id": "PYSEC-1", "fix_versions": ["2"], "aliases": [], "description": ""}


@pytest.fixture
def check() -> Any:
    spec = importlib.util.spec_from_file_location("vulnerabilities", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def ask(check: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The check of a lock of two packages, of which pip-audit says what is given."""

    def asked(*said: dict[str, Any] | str) -> int:
        def run(command: list[str], **_: object) -> object:
            read = Path(command[command.index("--requirement") + 1]).read_text().split()
            if any(isinstance(each, str) for each in said):
                return SimpleNamespace(stdout=b"no network", returncode=1)
            named = [{"name": line.partition("==")[0], "version": "1"} for line in read]
            found = [name | each for name, each in zip(named, said, strict=False)]  # type: ignore[operator]
            return SimpleNamespace(stdout=json.dumps({"dependencies": found}).encode())

        monkeypatch.setattr(subprocess, "run", run)
        (tmp_path / "lock").write_text("a==1\nb==1\n")
        return int(check.main(tmp_path / "lock"))

    return asked


def test_none_is_success(ask: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask({"vulns": []}, {"vulns": []}) == 0
    assert "0 in 2 packages, 0 of them not known" in capsys.readouterr().out


def test_one_is_a_failure_that_names_package_id_and_remedy(
    ask: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask({"vulns": []}, {"vulns": [BAD]}) == 1
    assert "b 1: PYSEC-1, fixed in 2\n" in capsys.readouterr().out


def test_an_accepted_one_is_told_and_no_failure(
    ask: Any, check: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    check.ACCEPTED["PYSEC-1"] = "2026-11-22: not the part that we call"
    assert ask({"vulns": [BAD]}, {"vulns": []}) == 0
    assert "accepted 2026-11-22: not the part that we call" in capsys.readouterr().out


@pytest.mark.parametrize("said", ["no network", {"skip_reason": "not found on the index"}])
def test_where_it_cannot_ask_it_says_so_and_succeeds(
    ask: Any, capsys: pytest.CaptureFixture[str], said: Any
) -> None:
    assert ask(said, {"vulns": []}) == 0
    assert capsys.readouterr().out.startswith("vulnerabilities: not checked")


def test_without_uv_it_says_so_and_succeeds(check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "UV", Path("/nowhere/uv"))
    assert check.main() == 0
