"""Two Ray nodes on this machine, and the command beside them, in a folder with traps.

The nodes live in a process of their own, with a token of their own, and end with its input.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sweeper.records import TrialResult
from sweeper.tracking.history import recorded_trials
from sweeper.tracking.store import open_store

ROOT = Path(__file__).parents[2]
NODES = """
import sys
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1)
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""
TRAPS = ("torch.py", "sweeper/__init__.py", "methods/__init__.py", "methods/pgn.py")


def token(folder: Path) -> dict[str, str]:
    """The environment of processes that share a token of their own."""
    path = folder / "token"
    path.write_text("0123456789abcdef" * 4)
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(path)}


@contextmanager
def two_nodes(environment: Mapping[str, str], folder: Path) -> Iterator[str]:
    """The address of two nodes with a CPU each, started in `folder`."""
    process = subprocess.Popen(
        [sys.executable, "-c", NODES],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0", **environment},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(120)


def trapped(folder: Path) -> Path:
    """Files in `folder` that would be imported by their names from there; the file they leave."""
    sprung = folder / "sprung"
    for name in TRAPS:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            f"open({str(sprung)!r}, 'a').write(__name__ + '\\n')\nraise SystemExit(9)\n"
        )
    return sprung


def command(
    *words: str | Path,
    folder: Path,
    environment: Mapping[str, str] = {},
    inside: Sequence[str] = (),
    seconds: float = 400,
) -> subprocess.CompletedProcess[str]:
    """Run `sweeper` in `folder` as its installed program does: nothing is imported from there."""
    return subprocess.run(
        [*inside, sys.executable, "-P", "-m", "sweeper", *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )


def results(folder: Path) -> list[TrialResult]:
    """What the store in `folder` has of trials that ended."""
    recorded = recorded_trials(open_store(f"sqlite:///{folder}/results/mlflow.db"))
    return [one.result for one in recorded.values() if one.result is not None]
