"""A user's code runs where the user points to it, and never because of its name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sweeper
from sweeper import discovery
from sweeper.errors import InputError

HOME = Path(sweeper.__file__).resolve().parents[1]
MARK = "open('ran', 'a').close()\n"
NAMES = ["pgn.py", "methods/__init__.py", "methods/pgn.py", "reports/__init__.py", "yaml.py",
         "ray.py", "mlflow.py", "torch.py", "rich.py", "typer.py", "json.py"]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory whose files have the names of what sweeper imports."""
    for name in NAMES:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(MARK)
    entry = tmp_path / "evil-1.0.dist-info"
    entry.mkdir()
    (entry / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (entry / "entry_points.txt").write_text("[sweeper.methods]\nevil = pgn\n")
    return tmp_path


def run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(HOME)}
    return subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_in_the_working_directory_runs_under_python_m(folder: Path) -> None:
    said = run(folder, sys.executable, "-m", "sweeper", "methods", "pgn")
    assert said.returncode == 0, said.stderr
    assert "Prompt generation network" in said.stdout
    said = run(folder, sys.executable, "-m", "sweeper", "methods", "evil")
    assert said.returncode == 2
    assert not (folder / "ran").exists()


def test_nothing_in_the_working_directory_runs_under_the_installed_command(folder: Path) -> None:
    program = shutil.which("sweeper", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("the command `sweeper` is not installed beside this Python")
    (folder / "sweeper").mkdir()
    (folder / "sweeper" / "__init__.py").write_text(MARK)
    said = run(folder, program, "methods", "pgn")
    assert said.returncode == 0, said.stderr
    assert not (folder / "ran").exists()


def test_a_program_that_imports_from_its_working_directory_is_told_so(folder: Path) -> None:
    for name in NAMES:
        if not name.startswith("methods/"):
            (folder / name).unlink()
    code = "from pathlib import Path; from sweeper import discovery; discovery.find('pgn', Path())"
    said = run(folder, sys.executable, "-c", code)
    assert "package 'methods': found first in" in said.stderr
    assert not (folder / "ran").exists()


@pytest.mark.parametrize("name", ["./mine.py", "/tmp/mine.py", "../mine.py", "a/b"])
def test_what_is_recorded_names_no_file(tmp_path: Path, name: str, monkeypatch) -> None:
    (tmp_path / "mine.py").write_text(MARK)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="none of that name"):
        discovery.installed(name)
    assert not (tmp_path / "ran").exists()
