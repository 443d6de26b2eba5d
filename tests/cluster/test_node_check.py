"""cluster/node_check.py, run as a node runs it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[2] / "cluster" / "node_check.py"


def check(
    *words: str | Path, program: Path | None = None, **settings: str
) -> tuple[int, dict[str, str]]:
    """Its exit code, and what it says of each check; `program` stands in for nvidia-smi."""
    path = f"{program.parent}:{os.environ['PATH']}" if program else os.environ["PATH"]
    ran = subprocess.run(
        [sys.executable, "-I", str(CHECK), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": path} | settings,
    )
    assert not ran.stderr, ran.stderr
    lines = dict(line.split(maxsplit=1) for line in ran.stdout.splitlines())
    return ran.returncode, lines


def nvidia_smi(folder: Path, text: str) -> Path:
    program = folder / "bin" / "nvidia-smi"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return program


def test_a_head_is_fit_and_a_worker_that_sees_its_folder_and_port_too(tmp_path: Path) -> None:
    code, said = check("--results", tmp_path, "--mark", "--disk", "0")
    assert code == 0, said
    assert set(said) == {"python", "gpus", "disk", "results", "clock", "mark"}
    with socket.create_server(("127.0.0.1", 0)) as head:
        address = f"127.0.0.1:{head.getsockname()[1]}"
        code, said = check("--results", tmp_path, "--head", address, "--disk", "0")
    assert code == 0, said
    assert said["head"] == f"ok      {address} answers"
    assert [path.name for path in tmp_path.iterdir()] == [".sweeper-head.json"]


def test_all_that_is_wrong_is_said_at_once_each_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    code, said = check(
        "--results", tmp_path, "--head", address, "--gpus", "1", "--disk", "1e9",
        program=nvidia_smi(tmp_path, "echo 'NVIDIA-SMI has failed'; exit 9"),
    )  # fmt: skip
    assert code == 1
    assert said["gpus"].startswith("NOT OK  nvidia-smi: NVIDIA-SMI has failed")
    assert "expected 1e+09 GiB" in said["disk"]
    assert "mount the same folder" in said["shared"]
    assert "Start the head first" in said["head"]
    assert said["results"].startswith("ok")


def test_a_folder_that_is_not_mounted_is_no_shared_folder(tmp_path: Path) -> None:
    code, said = check("--results", tmp_path / "absent", "--disk", "0")
    assert code == 1
    assert "is not there: mount the shared folder" in said["results"]


@pytest.mark.parametrize(
    ("wanted", "fit"),
    [(("--gpus", "2"), True), (("--gpus", "3"), False), (("--gpu-memory", "40"), False)],
)
def test_gpus_are_counted_and_measured(tmp_path: Path, wanted: tuple[str, str], fit: bool) -> None:
    cards = "printf 'NVIDIA A10G, 23028, 570.1\\nNVIDIA A10G, 23028, 570.1\\n'"
    program = nvidia_smi(tmp_path, cards)
    code, said = check("--results", tmp_path, "--disk", "0", *wanted, program=program)
    assert (code == 0) is fit
    if fit:
        assert said["gpus"].count("NVIDIA A10G, 22 GiB, driver 570.1") == 2


def test_a_head_with_another_python_is_told(tmp_path: Path) -> None:
    (tmp_path / ".sweeper-head.json").write_text('{"python": "3.9", "host": "head"}')
    _, said = check("--results", tmp_path, "--head", "127.0.0.1:1", "--disk", "0")
    assert "3.9 on the head" in said["shared"]


def test_a_clock_that_is_wrong_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cluster import node_check

    real = node_check.time.time
    monkeypatch.setattr(node_check.time, "time", lambda: real() + 60)
    with pytest.raises(node_check.Unfit, match=r"\+[56]\d\.\d s against .*NTP"):
        node_check.clock(tmp_path)
