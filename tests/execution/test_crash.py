"""The driver itself killed or interrupted: what is left behind, and what the next one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from .launches import write_method

DRIVER = """
import sys
from pathlib import Path

from sweeper.execution.driver import launch
from tests.execution.launches import Heard, plan, trial

folder = Path(sys.argv[1])
source = str(folder / "temper.py")
spec = trial(source, params={"sleep": 0.08}, epochs=16)


class Talking(Heard):
    def trial_started(self, spec, attempt):
        print("started", attempt, flush=True)

    def epoch(self, spec, record):
        print("epoch", record.epoch, flush=True)

    def trial_ended(self, spec, result):
        print("ended", result.status, result.test.acc, flush=True)


try:
    launch(
        plan(spec, sources={spec.method: source}),
        [spec],
        listeners=[Talking()],
        storage=folder,
        cpus=1,
    )
except KeyboardInterrupt:
    sys.exit(130)
"""


def start(folder: Path, mark: str) -> subprocess.Popen[str]:
    """A driver whose processes all carry `mark` in their environment."""
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": path, "DRIVER_MARK": mark},
    )


def read_until(driver: subprocess.Popen[str], said: str) -> list[str]:
    assert driver.stdout is not None
    lines = []
    for line in driver.stdout:
        lines.append(line.strip())
        if lines[-1] == said:
            return lines
    raise AssertionError(f"the driver ended without saying '{said}': {lines}")


def processes_of(mark: str) -> list[str]:
    """Command lines of the living processes that carry `mark`.

    Ray's agents hold no resources and take a minute to notice that they are alone: left out.
    """
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                marked = f"DRIVER_MARK={mark}\0".encode() in (entry / "environ").read_bytes()
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            agent = command.startswith(("ray::DashboardAgent", "ray::RuntimeEnvAgent"))
            if marked and command and not agent:
                found.append(command)
    return found


@pytest.mark.slow
def test_after_a_killed_and_an_interrupted_driver_the_next_one_goes_on(tmp_path: Path) -> None:
    write_method(tmp_path)
    killed = start(tmp_path, mark := uuid.uuid4().hex)
    read_until(killed, "epoch 8")
    assert processes_of(mark)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    deadline = time.monotonic() + 60
    while (left := processes_of(mark)) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert left == [], "processes of Ray outlive the driver"

    second = start(tmp_path, "second")
    lines = read_until(second, "epoch 10")
    assert "epoch 1" not in lines, "the second driver began anew"
    second.send_signal(signal.SIGINT)
    assert second.wait(timeout=60) == 130

    third = start(tmp_path, "third")
    out, _ = third.communicate(timeout=240)
    assert third.returncode == 0
    assert "epoch 1" not in out.splitlines()
    assert out.splitlines()[-1].startswith("ended finished")
    assert not list((tmp_path / "checkpoints").iterdir())
