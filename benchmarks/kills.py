"""Random kills over a sweep: `python benchmarks/kills.py [--kills 6] [--trials 54] [--seed 0]`.

Two times the same sweep, through the command `sweeper run` with a real MLflow store, on a Ray
cluster of a head and two workers on this machine: once undisturbed, once with kills (SIGKILL) of
the driver, of a worker process, or of a node's raylet with all below it, at moments drawn from the
seed. After a driver the same command is started again, after a node another one is added.

Prints how many trials were lost (no result in the store), repeated (begun after they had finished,
or with a result that was written anew) and changed (another score, to the last bit): 0, 0, 0; and
what the kills cost in time. Ends with 1 where it is not 0, 0, 0, or where the command did not end
by itself with 0.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from ray._private.authentication.authentication_token_setup import (
    enable_token_auth_by_default,
    ensure_token_if_auth_enabled,
)
from ray.cluster_utils import Cluster

from sweeper.records import TrialResult, TrialStatus
from sweeper.tracking.history import recorded_trials
from sweeper.tracking.store import exists, open_store

KINDS = ("driver", "worker", "node")
PATIENCE = 420  # seconds without a trial that finishes, after which it has failed
SWEEP = """
name: kills
base: {{method: vp, backbone: embedded, task: digits, epochs: 1, batch_size: 200, lr: 0.1}}
ablate: {{lr: {{values: {rates}}}}}
seeds: [0, 1, 2]
"""


@dataclass
class Sweep:
    """A sweep in a folder of its own; its command is started as often as it is killed."""

    folder: Path
    address: str
    process: subprocess.Popen[bytes] | None = None
    logs: list[Path] = field(default_factory=list)

    @property
    def store(self) -> str:
        """Its MLflow store."""
        return f"sqlite:///{self.folder}/mlflow.db"

    def start(self) -> None:
        """The command, once more."""
        self.logs.append(self.folder / f"log-{len(self.logs)}.txt")
        words = ["run", self.folder.parent / "kills.yaml", "--address", self.address]
        words += ["--store", self.store, "--results", self.folder / "results"]
        with self.logs[-1].open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sweeper", *map(str, words)],
                cwd=self.folder,
                stdout=file,
                stderr=file,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )

    def printed(self) -> str:
        """By all drivers, in their order."""
        return "\n".join(log.read_text() for log in self.logs)

    def ended(self) -> int:
        """Trials that finished, as far as was printed."""
        return len(re.findall(r"^finished ", self.printed(), re.MULTILINE))

    def running(self) -> bool:
        """Whether the driver lives."""
        return self.process is not None and self.process.poll() is None

    def wait(self, reached: Callable[[], bool]) -> None:
        """Until `reached`, or the command has ended; RuntimeError where it stands still."""
        count, since = self.ended(), time.monotonic()
        while self.running() and not reached():
            if self.ended() != count:
                count, since = self.ended(), time.monotonic()
            if time.monotonic() - since > PATIENCE:
                self.kill()
                raise RuntimeError(f"nothing finished in {PATIENCE} s:\n{self.printed()[-3000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """Kill -9 of the driver."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def results(self) -> dict[str, TrialResult]:
        """Trial id -> result, of all that finished by the store."""
        if not exists(self.store):
            return {}
        found = recorded_trials(open_store(self.store)).items()
        done = TrialStatus.FINISHED
        return {key: one.result for key, one in found if one.result and one.result.status is done}


@dataclass(frozen=True)
class Kill:
    """One that happened: what, at how many finished trials, and what stood still after it."""

    kind: str
    at: int
    seconds: float  # until the next trial finished


@dataclass
class Killer:
    """Kills what a draw says, and brings the command or a node back."""

    cluster: Cluster
    sweep: Sweep
    draw: random.Random
    known: dict[str, TrialResult] = field(default_factory=dict)  # as first seen in the store
    rewritten: set[str] = field(default_factory=set)

    def strike(self, kind: str) -> None:
        """Kill one of `kind`; returns when what has to be brought back is under way."""
        if kind == "driver":
            self.sweep.kill()
            self.look()
            self.sweep.start()
            return
        node = self.draw.choice(sorted(self.cluster.worker_nodes, key=lambda each: each.node_id))
        if kind == "node":
            self.cluster.remove_node(node, allow_graceful=False)
            self.cluster.add_node(num_cpus=1)
        elif trainers := workers_of(node):
            self.draw.choice(trainers).kill()
        self.look()

    def look(self) -> None:
        """Compare what the store holds with what it has held: a result is written once."""
        now = self.sweep.results()
        self.rewritten |= {key for key, result in self.known.items() if now.get(key) != result}
        self.known |= {key: result for key, result in now.items() if key not in self.known}


def workers_of(node: Any) -> list[psutil.Process]:
    """Ray's processes that train trials on a node, oldest first."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    found = []
    for child in raylet.children():
        with suppress(psutil.NoSuchProcess):
            if "ray::ImplicitFunc" in " ".join(child.cmdline()):
                found.append(child)
    return sorted(found, key=lambda each: each.create_time())


def undisturbed(sweep: Sweep) -> float:
    """Seconds of the command from its start to its end. RuntimeError where it did not finish."""
    began = time.monotonic()
    sweep.start()
    sweep.wait(lambda: False)
    if sweep.process is not None and sweep.process.returncode:
        raise RuntimeError(
            f"the undisturbed sweep ended with {sweep.process.returncode}:\n"
            f"{sweep.printed()[-3000:]}"
        )
    return time.monotonic() - began


def disturbed(
    killer: Killer, moments: Sequence[tuple[int, float, str]]
) -> tuple[list[Kill], float]:
    """Kills at these moments (finished trials, seconds after that, what), and all the seconds."""
    sweep, kills, began = killer.sweep, [], time.monotonic()
    sweep.start()
    for count, pause, kind in moments:
        sweep.wait(lambda least=count: sweep.ended() >= least)  # type: ignore[misc]
        time.sleep(pause)
        if not sweep.running():
            break
        at, struck = sweep.ended(), time.monotonic()
        killer.strike(kind)
        sweep.wait(lambda least=at: sweep.ended() > least)  # type: ignore[misc]
        kills.append(Kill(kind, at, time.monotonic() - struck))
        print(f"kill {len(kills)}: {kind} at {at} finished, {kills[-1].seconds:.0f} s", flush=True)
    sweep.wait(lambda: False)
    seconds = time.monotonic() - began
    killer.look()
    return kills, seconds


def begun_again(printed: str) -> set[str]:
    """Trials that began after they had finished, by what the command printed."""
    done: set[str] = set()
    again = set()
    for what, name in re.findall(r"^(start|finished) +(.+? seed \d+)", printed, re.MULTILINE):
        if what == "finished":
            done.add(name)
        elif name in done:
            again.add(name)
    return again


def scores(result: TrialResult) -> tuple[Any, ...]:
    """All of a result that has to come out the same, however often it was interrupted."""
    return result.val, result.test, result.epochs, result.trainable_parameters


def drawn(draw: random.Random, kills: int, trials: int) -> list[tuple[int, float, str]]:
    """Moments, spread over the sweep; each kind comes up before any comes up again."""
    counts = sorted(draw.sample(range(1, trials - 2), kills))
    kinds: list[str] = []
    while len(kinds) < kills:
        kinds += draw.sample(KINDS, len(KINDS))
    return [(count, draw.uniform(0, 2), kind) for count, kind in zip(counts, kinds, strict=False)]


def tell_costs(kills: Sequence[Kill], alone: float, seconds: float, trials: int) -> None:
    """What the kills cost in time: all together, and until the next trial finished."""
    each = (seconds - alone) / max(len(kills), 1)
    print(
        f"undisturbed {alone:.0f} s, with {len(kills)} kills {seconds:.0f} s: "
        f"{seconds / alone:.2f} times, {each:.0f} s a kill; {alone / trials:.1f} s a trial"
    )
    for kind in KINDS:
        if waits := [kill.seconds for kill in kills if kill.kind == kind]:
            print(
                f"  {kind:7}{len(waits)} kills, next trial finished after "
                f"{statistics.median(waits):.0f} s ({min(waits):.0f} to {max(waits):.0f})"
            )


def measure(folder: Path, cluster: Cluster, kills: int, trials: int, seed: int) -> bool:
    """Both sweeps, and whether nothing was lost, repeated or changed."""
    rates = [round(0.1 * (1 + n), 1) for n in range(trials // 3)]
    (folder / "kills.yaml").write_text(SWEEP.format(rates=rates))
    (folder / "undisturbed").mkdir()
    (folder / "killed").mkdir()
    plain = Sweep(folder / "undisturbed", cluster.address)
    alone = undisturbed(plain)
    wanted = plain.results()
    print(f"undisturbed: {len(wanted)} trials in {alone:.0f} s", flush=True)

    draw = random.Random(seed)
    killer = Killer(cluster, Sweep(folder / "killed", cluster.address), draw)
    done, seconds = disturbed(killer, drawn(draw, kills, len(wanted)))
    found, sweep = killer.sweep.results(), killer.sweep
    lost = [key for key in wanted if key not in found]
    again = begun_again(sweep.printed())
    changed = [key for key in found if scores(found[key]) != scores(wanted[key])]
    code = sweep.process.returncode if sweep.process else 1
    tell_costs(done, alone, seconds, len(wanted))
    repeated = max(len(again), len(killer.rewritten))
    print(
        f"{len(done)} kills over {len(wanted)} trials, seed {seed}: {len(lost)} lost, "
        f"{repeated} repeated, {len(changed)} changed; the command ended with {code}"
    )
    return not (lost or repeated or changed or code) and len(done) == kills


def main() -> int:
    """The command."""
    what = argparse.ArgumentParser(description="Random kills over a sweep.")
    what.add_argument("--kills", type=int, default=6)
    what.add_argument("--trials", type=int, default=54, help="a multiple of three")
    what.add_argument("--seed", type=int, default=0)
    given = what.parse_args()
    enable_token_auth_by_default()
    ensure_token_if_auth_enabled(None, create_token_if_missing=True)
    head = {"num_cpus": 0, "include_dashboard": False}
    with tempfile.TemporaryDirectory(prefix="sweeper-kills-") as folder:
        os.environ["SWEEPER_CACHE"] = f"{folder}/cache"
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            for _ in range(2):
                cluster.add_node(num_cpus=1)
            ok = measure(Path(folder), cluster, given.kills, given.trials, given.seed)
        finally:
            cluster.shutdown()
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
