"""The notice of a provider becomes one `ray drain-node`, in the provider's own words."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cluster.metadata import metadata

PROGRAM = Path(__file__).parents[2] / "cluster" / "spot_notice.py"
RAY = """#!/bin/sh
echo "$RAY_ADDRESS $@" >> "$(dirname "$0")/said"
if [ -e "$(dirname "$0")/refuse" ]; then rm "$(dirname "$0")/refuse"; echo no node >&2; exit 1; fi
"""


@pytest.fixture
def ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `ray` on PATH that writes down what it was told; with a file `refuse` it fails once."""
    (tmp_path / "ray").write_text(RAY)
    (tmp_path / "ray").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), "--provider", *words], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(("provider", "least", "most"), [("aws", 110, 120), ("gcp", 25, 30)])
def test_nothing_is_drained_before_the_notice_and_the_node_after_it(
    provider: str, least: int, most: int, ray: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # which knows nothing of this machine
    with metadata() as service:
        running = start(provider, "--metadata", service.url, "--address", "10.0.0.1:6379")
        end = time.monotonic() + 30
        while not service.asked and time.monotonic() < end:
            time.sleep(0.05)
        assert service.asked
        assert not (ray / "said").exists()
        service.notice.set()
        assert running.wait(30) == 0
    (said,) = (ray / "said").read_text().splitlines()
    there, command, *options = said.split(" ", 2)
    assert (there, command) == ("10.0.0.1:6379", "drain-node")
    assert "--reason DRAIN_NODE_REASON_PREEMPTION" in options[0]
    assert "--node-id" not in options[0]
    assert least <= int(options[0].rpartition(" ")[2]) <= most


def test_a_refused_drain_is_tried_again_and_told_when_time_is_up(ray: Path) -> None:
    (ray / "refuse").touch()
    running = start("now", "--seconds", "20", "--node-id", "0a")
    out, _ = running.communicate(timeout=30)
    assert running.returncode == 0
    assert "no node" in out
    first, second = (ray / "said").read_text().splitlines()
    assert "--node-id 0a" in first
    assert second.startswith("auto drain-node")

    (ray / "ray").write_text("#!/bin/sh\nexit 1\n")
    assert start("now", "--seconds", "1").wait(30) == 1


def test_a_metadata_service_that_is_away_is_told_once_and_asked_again() -> None:
    with metadata() as service:
        gone = service.url
    running = start("aws", "--metadata", gone)
    assert running.stdout is not None
    said = running.stdout.readline()
    assert "gives no answer" in said
    assert gone in said
    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(1)
    running.kill()
    running.wait()
    running.stdout.close()
