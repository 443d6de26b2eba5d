"""The driver interrupted by Ctrl-C: its exit code, and where the next one goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
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


def start(folder: Path) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": path},
    )


def read_until(driver: subprocess.Popen[str], said: str) -> None:
    assert driver.stdout is not None
    lines = []
    for line in driver.stdout:
        lines.append(line.strip())
        if lines[-1] == said:
            return
    raise AssertionError(f"the driver ended without saying '{said}': {lines}")


@pytest.mark.slow
def test_after_an_interrupted_driver_the_next_one_goes_on(tmp_path: Path) -> None:
    write_method(tmp_path)
    first = start(tmp_path)
    read_until(first, "epoch 8")
    first.send_signal(signal.SIGINT)
    assert first.wait(timeout=120) == 130

    second = start(tmp_path)
    out, _ = second.communicate(timeout=400)
    assert second.returncode == 0
    assert "epoch 1" not in out.splitlines(), "it began anew"
    assert out.splitlines()[-1].startswith("ended finished")
    assert not list((tmp_path / "checkpoints").iterdir())
