"""A small sweep with a method that obeys orders, launched as the command line launches it.

An order is a file `<orders>/<place>` with a word and how many training steps to wait for; whoever
carries it out renames it first, so that it happens once. `place` is a parameter of the method, so
the sweep has the same trials whatever is ordered, and its cells can be compared with those of an
undisturbed run.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from sweeper.cli import launch

ORDERS = "SWEEPER_TEST_ORDERS"  # the folder, told to workers when Ray is started
PLACES = ("one", "two", "three")

METHOD = '''
"""A linear probe that obeys orders."""

import errno
import os
import time
from pathlib import Path

import torch
from torch import nn

from sweeper.method import MethodParams, generator

SPACE, PRESETS, REQUIRES = {}, {}, frozenset()


class Params(MethodParams):
    place: str = "one"
    sleep: float = 0.02


def skip(params, backbone):
    return None


class Method(nn.Module):
    def __init__(self, *, backbone, classes, template, params, seed):
        super().__init__()
        self.params, self.seed, self.steps, self.leaked = params, seed, 0, []
        draw = generator(seed, "head")
        self.head = nn.Parameter(torch.randn(len(classes), 3 * 64, generator=draw) / 20)

    def forward(self, images):
        if self.training:
            self.steps += 1
            if self.steps == 1:
                self.say()
            time.sleep(self.params.sleep)
            self.obey()
        small = nn.functional.adaptive_avg_pool2d(images, 8).flatten(1)
        return small @ self.head.T

    def say(self):
        """Write down where the trial trains; a worker is the child of its node's raylet."""
        with open(Path(os.environ["SWEEPER_TEST_ORDERS"]) / "diary", "a") as file:
            file.write(f"{self.params.place} {self.seed} {os.getppid()} {time.time()}\\n")

    def obey(self):
        order = Path(os.environ["SWEEPER_TEST_ORDERS"]) / self.params.place
        if not order.exists():
            return
        word, after = order.read_text().split()
        if self.steps < int(after):
            return
        if word == "raise-always":
            first = order.with_suffix(".seed")
            if not first.exists():
                first.write_text(str(self.seed))
            if first.read_text() == str(self.seed):
                raise ValueError("no patience")
            return  # the other seed was first
        try:
            order.rename(order.with_suffix(f".{word}"))
        except FileNotFoundError:
            return  # the other seed was first
        if word == "die":
            os._exit(1)
        if word == "raise":
            raise ValueError("no patience")
        if word == "full":
            raise OSError(errno.ENOSPC, "No space left on device")
        while word == "hang":
            time.sleep(1)
        while word == "leak":
            self.leaked.append(bytearray(os.urandom(1 << 20) * 64))
            time.sleep(0.05)  # the memory monitor must be able to keep up
'''

SWEEP = """
name: chaos
base: {{method: ./obedient.py, backbone: embedded, task: digits, epochs: {epochs}, lr: 0.01,
  batch_size: 200}}
ablate: {{place: {{values: [one, two, three]}}}}
seeds: [0, 1]
report:
  min_seeds: 2
  tables: [{{id: places, title: Places, axis: place}}]
"""


def sweep_file(folder: Path, epochs: int = 6, more: str = "") -> Path:
    """The sweep and its method in `folder`; `more`: further lines, such as a budget."""
    (folder / "obedient.py").write_text(METHOD)
    path = folder / "chaos.yaml"
    path.write_text(SWEEP.format(epochs=epochs) + more)
    return path


def order(place: str, word: str, after: int = 20) -> None:
    """Have the trial of `place` that first reaches `after` steps do `word`."""
    (Path(os.environ[ORDERS]) / place).write_text(f"{word} {after}")


@dataclass(frozen=True)
class Begin:
    """A worker that has begun, or goes on with, a trial: the first step that it trained."""

    trial: str
    raylet: int  # its parent: the process of its node
    when: float


def begins() -> list[Begin]:
    """All of them so far, in their order."""
    path = Path(os.environ[ORDERS]) / "diary"
    lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return [
        Begin(f"{place} {seed}", int(raylet), float(when)) for place, seed, raylet, when in lines
    ]


def run(folder: Path, *, epochs: int = 6, store: str | None = None, more: str = "") -> pd.DataFrame:
    """`sweeper run` in this process, on the Ray that it is connected to; the cells' scores."""
    launch.run(sweep_file(folder, epochs, more), results=folder / "results", store=store)
    return cells(folder)


def cells(folder: Path) -> pd.DataFrame:
    """The scores of the newest report in `folder`, without addresses of MLflow's."""
    return pd.read_csv(folder / "results" / "chaos" / "cells.csv").drop(columns="link")


def same(found: pd.DataFrame, undisturbed: pd.DataFrame) -> None:
    """The table is the one of an undisturbed run, to the last bit."""
    pd.testing.assert_frame_equal(found, undisturbed, check_exact=True)


def report(folder: Path) -> str:
    """The newest report in `folder` as it reads."""
    return (folder / "results" / "chaos" / "report.md").read_text()


slow = [pytest.mark.slow, pytest.mark.timeout(900)]
