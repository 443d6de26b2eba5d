"""The command `sweeper` as a user runs it: a process of its own, with its output kept."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil

from sweeper.faults import Fault
from sweeper.tracking.history import launches
from sweeper.tracking.store import open_store

ROOT = Path(__file__).parents[2]
SMOKE = ROOT / "search_spaces" / "smoke.yaml"
RUN = ("run", SMOKE, "--set", "epochs=6")  # long enough that a kill meets trials under way


COMMAND = ("-m", "sweeper")
DAY_BACK = """
import time
now, now_ns = time.time, time.time_ns
time.time, time.time_ns = lambda: now() - 86400, lambda: now_ns() - 86400 * 10**9
from sweeper.cli.app import main
main()
"""


def sweeper(
    *words: str | Path, folder: Path, seconds: float = 900, command: tuple[str, str] = COMMAND
) -> subprocess.CompletedProcess[str]:
    """Run the command in `folder` and wait for its end."""
    return subprocess.run(
        [sys.executable, *command, *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


class Running:
    """The command under way, to be watched and killed."""

    def __init__(self, *words: str | Path, folder: Path) -> None:
        self.log = folder / f"log-{time.monotonic_ns()}.txt"
        with self.log.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sweeper", *map(str, words)],
                cwd=folder,
                stdout=file,
                stderr=file,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )

    def text(self) -> str:
        """What it has printed so far."""
        return self.log.read_text()

    def wait_for(self, reached: Callable[[str], bool], seconds: float = 600) -> None:
        """Wait until the output satisfies `reached`; fail when it ends or takes too long."""
        end = time.monotonic() + seconds
        while not reached(self.text()):
            assert self.process.poll() is None, f"it ended early:\n{self.text()}"
            assert time.monotonic() < end, f"not reached in {seconds} s:\n{self.text()}"
            time.sleep(0.05)

    def workers(self) -> list[psutil.Process]:
        """Ray's worker processes below it that train trials."""
        return [child for child in self.below() if "ray::ImplicitFunc" in _said(child)]

    def servers(self) -> list[psutil.Process]:
        """Ray's own two below it: the node's and the cluster's."""
        return [c for c in self.below() if _said(c).split(" ")[0] in ("raylet", "gcs_server")]

    def below(self) -> list[psutil.Process]:
        """All processes that it has started, and that those have."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def signal(self, number: signal.Signals) -> None:
        """A signal to all its processes, as a terminal's Ctrl-C gives one."""
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """kill -9 of the driver alone."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def end(self, seconds: float = 900) -> int:
        """Wait for its own end."""
        return self.process.wait(seconds)


def ended(text: str) -> int:
    """How many trials a command says to have finished."""
    return len(re.findall(r"^finished", text, re.MULTILINE))


def cells(folder: Path, sweep: str = "smoke") -> pd.DataFrame:
    """The cells of the newest report in `folder`."""
    own = ["link"]  # an id of MLflow's, which every store draws anew
    return pd.read_csv(folder / "results" / sweep / "cells.csv").drop(columns=own)


def undisturbed(folder: Path) -> pd.DataFrame:
    """The cells of the undisturbed run in the fixture's `folder`."""
    return pd.read_csv(folder / "undisturbed.csv").drop(columns="link")


def faults(folder: Path) -> list[Fault]:
    """What went wrong by the record of the newest launch of the smoke sweep in `folder`."""
    store = open_store(f"sqlite:///{folder / 'results' / 'mlflow.db'}")
    return sorted(incident.fault for incident in launches(store, "smoke")[0].incidents)


def _said(process: psutil.Process) -> str:
    """Its name and its command line; nothing where it ended meanwhile."""
    try:
        return " ".join([process.name(), *process.cmdline()])
    except psutil.NoSuchProcess:
        return ""
