"""cluster/slurm.sh with stand-ins for Slurm, Ray and sweeper that write down what is asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = {
    "scontrol": "echo one; echo two",
    # the options are of the form --name=value; the first other word begins the command
    "srun": """
for word in "$@"; do case $word in --nodelist=*) node=${word#*=};; esac; done
while [[ $1 == --* ]]; do shift; done
echo "${node:-all}: $*" >> "$SAID"
exec "$@"
""",
    "ray": """
file=$RAY_AUTH_TOKEN_PATH
echo "token $(stat -c %a "$file") $(wc -c < "$file") $RAY_AUTH_MODE" >> "$SAID"
case "$*" in
  *--head*) exec "$PYTHON" -c "
import socket, sys, time
port = int([w for w in sys.argv if w.startswith('--port=')][0][7:])
with socket.create_server(('127.0.0.1', port)): time.sleep(600)" "$@";;
  *) exec sleep 600;;
esac
""",
    "sweeper": """
echo "sweeper $* at $RAY_ADDRESS into $SWEEPER_RESULTS" >> "$SAID"
trap 'echo interrupted >> "$SAID"; exit 130' INT
for _ in $(seq "${LASTS:-0}"); do sleep 0.1; done
exit "${CODE:-0}"
""",
}


@pytest.fixture
def job(tmp_path: Path) -> dict[str, str]:
    """A folder that is submitted from, and what Slurm tells a job."""
    (tmp_path / "cluster").symlink_to(ROOT / "cluster")
    programs = tmp_path / "environment" / "bin"
    programs.mkdir(parents=True)
    for name, text in PROGRAMS.items():
        (programs / name).write_text(f"#!/usr/bin/env bash\n{text}")
        (programs / name).chmod(0o755)
    (programs / "python").symlink_to(sys.executable)
    return os.environ | {
        "SLURM_SUBMIT_DIR": str(tmp_path),
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_JOB_NODELIST": "one,two",
        "SLURM_CPUS_PER_TASK": "3",
        "SWEEPER_ENV": str(programs.parent),
        "HEAD_IP": "127.0.0.1",
        "SAID": str(tmp_path / "said"),
        "PYTHON": sys.executable,
        "CODE": "3",
    }


def start(job: dict[str, str]) -> subprocess.Popen[str]:
    command = ["bash", str(ROOT / "cluster" / "slurm.sh"), "run", "search_spaces/smoke.yaml"]
    return subprocess.Popen(
        command, env=job, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_a_job_starts_ray_on_all_nodes_runs_the_sweep_and_leaves_nothing(
    job: dict[str, str], tmp_path: Path
) -> None:
    job["LASTS"] = "20"
    said, _ = (running := start(job)).communicate(timeout=60)
    assert running.returncode == 3, said  # sweeper's own
    asked = (tmp_path / "said").read_text().splitlines()
    port = 20000 + os.getpid() % 20000
    head = next(line for line in asked if "ray start --head" in line)
    assert head.startswith("one: ")
    assert f"--port={port}" in head
    assert "--num-cpus=3" in head
    assert [line for line in asked if line.startswith("two: bash -c python cluster/node_check.py")]
    assert [line for line in asked if line.startswith("one: python cluster/node_check.py")]
    assert asked.count("token 600 64 token") == 2
    launched = f"sweeper run search_spaces/smoke.yaml at 127.0.0.1:{port} into {tmp_path}/results"
    assert launched in asked
    # the worker sees the head's folder, and nothing is left: no token, no process
    assert "shared   ok" in said
    assert not list(tmp_path.glob(".sweeper-*"))
    for line in Path("/proc").glob("[0-9]*/environ"):
        assert f"SAID={job['SAID']}".encode() not in _read(line)


def test_the_end_of_the_time_is_ctrl_c_for_the_sweep(job: dict[str, str], tmp_path: Path) -> None:
    job["LASTS"] = "600"
    running = start(job)
    end = time.monotonic() + 30
    while not (tmp_path / "said").exists() or "into" not in (tmp_path / "said").read_text():
        assert time.monotonic() < end
        time.sleep(0.1)
    time.sleep(0.3)
    running.send_signal(signal.SIGTERM)
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "interrupted" in (tmp_path / "said").read_text()
    assert "the same sbatch goes on" in said
    assert not list(tmp_path.glob(".sweeper-*"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # it has ended
