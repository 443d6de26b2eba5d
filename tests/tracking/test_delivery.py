"""What a killed or abandoned launch left is recorded late, once, and changes nothing newer."""

from __future__ import annotations

import itertools
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sweeper.errors import StoreError
from sweeper.records import TrialStatus
from sweeper.spec.plan import Plan
from sweeper.tracking import delivery, history, names
from sweeper.tracking.event import Event
from sweeper.tracking.journal import Head, Journal
from sweeper.tracking.origin import Origin
from sweeper.tracking.store import Store
from sweeper.tracking.writer import Writer
from tests.tracking.launched import finished, learned, left, plan
from tests.tracking.test_writer import points

from . import made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return made.blank_store(tmp_path)


def abandoned(store: Store, folder: Path, events: list[Event], sweep: Plan | None = None) -> Path:
    """The journal of a launch that was opened in the store and then killed."""
    sweep = sweep or plan()
    origin = Origin(1000, {"command": "sweeper run small.yaml"}, {})
    Writer(store, sweep, origin=origin)
    journal = Journal.create(folder, Head(delivery.written(store.uri, folder), sweep, origin))
    for event in events:
        journal.append(event)
    journal.close()
    return journal.path


def told(number: int, status: TrialStatus = TrialStatus.FINISHED) -> list[Event]:
    spec = plan().trials()[number]
    epochs = [Event(made.record(epoch), spec, epoch + 1) for epoch in (1, 2, 3)]
    return [Event(1, spec, 1), *epochs, Event(made.result(spec, status), spec, 5)]


def deliver(store: Store, folder: Path) -> list[delivery.Batch]:
    own = delivery.written(store.uri, folder)
    return list(delivery.deliver(folder, lambda written: store.uri if written == own else None))


def everything(store: Store) -> dict[str, object]:
    """All that the store says of trials and cells."""
    recorded = history.recorded_trials(store)
    found: dict[str, object] = {
        key: (one.run_id, one.result, one.used_by, points(store, one.run_id, "val/acc"))
        for key, one in recorded.items()
    }
    cells = history.recorded_cells(store, "small")
    return found | {key: (cell.data.tags, cell.data.metrics) for key, cell in cells.items()}


def test_to_deliver_twice_is_to_deliver_once(store: Store, tmp_path: Path) -> None:
    path = abandoned(store, tmp_path, told(0) + told(1, TrialStatus.FAILED) + told(2)[:3])
    shutil.copy(path, tmp_path / "copy")
    (batch,) = delivery.waiting(tmp_path)
    assert str(batch) == "13 records of small, profile demo (2 trials ended)"
    assert deliver(store, tmp_path) == [batch]
    assert left(tmp_path) == []
    once = everything(store)
    statuses = [t.status for _, t in sorted(history.recorded_trials(store).items())]
    assert sorted(map(str, statuses)) == ["failed", "finished", "running"]
    (tmp_path / "copy").rename(path)
    assert deliver(store, tmp_path) == [batch]
    assert everything(store) == once


def test_what_comes_late_of_a_trial_that_has_finished_since_changes_nothing(
    store: Store, tmp_path: Path
) -> None:
    abandoned(store, tmp_path, told(0, TrialStatus.FAILED))
    with Writer(store, plan()) as writer:
        made.train(writer, plan().trials()[0])
    before = everything(store)
    assert len(deliver(store, tmp_path)) == 1
    assert everything(store) == before


def test_a_late_launch_looks_no_newer_and_takes_no_cells_from_a_newer_one(
    store: Store, tmp_path: Path
) -> None:
    newer = plan().model_copy(update={"settings": {"seeds": 5}})
    abandoned(store, tmp_path, told(0))
    with Writer(store, newer):
        pass
    order = [launch.digest for launch in history.launches(store, "small")]
    times = [launch.launched for launch in history.launches(store, "small")]
    assert order[0] == newer.digest
    deliver(store, tmp_path)
    assert [launch.digest for launch in history.launches(store, "small")] == order
    assert [launch.launched for launch in history.launches(store, "small")] == times
    cells = history.recorded_cells(store, "small").values()
    newest = history.launches(store, "small")[0].run_id
    assert {cell.data.tags[names.PARENT] for cell in cells} == {newest}
    commands = {launch.provenance["command"] for launch in history.launches(store, "small")}
    assert "sweeper run small.yaml" in commands  # not the command that delivered it


def test_what_a_trial_learned_is_delivered_with_it(store: Store, tmp_path: Path) -> None:
    spec = plan().trials()[0]
    path = abandoned(store, tmp_path, [])
    (tmp_path / "x").mkdir()
    ended = finished(spec, tmp_path)
    path.unlink()
    journal = Journal.create(
        tmp_path, Head(delivery.written(store.uri, tmp_path), plan(), Origin(1000, {}, {}))
    )
    journal.keep(spec.id, [learned(tmp_path, spec.id)])
    journal.append(Event(ended, spec, 5))
    journal.close()
    learned(tmp_path, spec.id).unlink()
    deliver(store, tmp_path)
    trial = history.recorded_trials(store)[spec.id]
    kept = Path(trial.artifact_uri.removeprefix("file://"), "trained", "state.safetensors")
    assert kept.read_text() == f"what {spec.id} learned"
    assert left(tmp_path) == []


def test_what_waits_for_another_store_is_left_alone(store: Store, tmp_path: Path) -> None:
    abandoned(store, tmp_path, told(0))
    other = made.blank_store(tmp_path / "other")
    assert deliver(other, tmp_path) == []
    assert len(left(tmp_path)) == 1
    assert len(deliver(store, tmp_path)) == 1


def test_a_delivery_that_the_store_cuts_short_loses_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = abandoned(store, tmp_path, told(0) + told(1))
    before = path.read_bytes()
    record, calls = Writer.epoch, itertools.count()

    def refuse(*args: Any, **named: Any) -> None:
        if next(calls) == 3:
            raise StoreError("no answer")
        record(*args, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "epoch", refuse)
        with pytest.raises(StoreError, match=r"no answer\. 10 records of small.* wait in /"):
            deliver(store, tmp_path)
    assert path.read_bytes() == before
    deliver(store, tmp_path)
    assert len(history.finished(store, [spec.id for spec in plan().trials()])) == 2


@pytest.mark.parametrize(
    ("uri", "kept"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("https://ann:secret@host/path", "https://***@host/path"),
        ("postgresql://ann:s3cret@host/db", "postgresql://***@host/db"),
    ],
)
def test_no_password_is_written_and_an_address_with_one_has_to_be_given(
    tmp_path: Path, uri: str, kept: str
) -> None:
    assert delivery.written(uri, tmp_path) == kept
    assert delivery.address(kept, tmp_path, known=uri) == uri
    if kept != uri:
        with pytest.raises(StoreError, match="--store"):
            delivery.address(kept, tmp_path)


def test_a_store_in_the_results_folder_moves_with_it(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    kept = delivery.written(f"sqlite:///{old}/mlflow.db", old)
    assert delivery.address(kept, new) == f"sqlite:///{new}/mlflow.db"


# A driver that tells of trials and says what was taken; forked, so that each costs little.
KILLED = """
import os, random, shutil, signal, sys, time
from functools import partial
from pathlib import Path
from sweeper.tracking import delivery, history
from sweeper.tracking.spool import Spool
from sweeper.tracking.store import open_store
from tests.tracking import made
from tests.tracking.launched import learned, finished, plan

import mlflow.store.tracking.sqlalchemy_store  # once, before the forks
folder, seed = Path(sys.argv[1]), int(sys.argv[2])
uri = f"sqlite:///{folder / 'mlflow.db'}"

def driver():
    list(delivery.deliver(folder, lambda _: uri))
    store = open_store(uri)
    done = history.finished(store, [spec.id for spec in plan().trials()])
    show, trained = (lambda incident: None), partial(learned, folder)
    with Spool.begin(store, plan(), folder, reused=[], trained=trained, show=show) as told:
        for spec in plan().trials():
            if spec.id in done:
                continue
            os.write(1, f"starts {spec.id}\\n".encode())
            told.trial_started(spec, 1)
            for epoch in range(1, 4):
                told.epoch(spec, made.record(epoch))
                os.write(1, f"epoch {spec.id} {epoch}\\n".encode())
                time.sleep(0.3)  # so that the first two kills come in time
            shutil.rmtree(learned(folder, spec.id).parent, ignore_errors=True)
            told.trial_ended(spec, finished(spec, folder))
            os.write(1, f"ended {spec.id}\\n".encode())
            shutil.rmtree(learned(folder, spec.id).parent)
    os.write(1, b"whole\\n")

draw = random.Random(seed)
for number in range(60):
    child = os.fork()
    if not child:
        driver()
        os._exit(0)
    over, end = False, time.monotonic() + draw.uniform(0.1, 1 + number / 2)
    while not over and time.monotonic() < end:
        time.sleep(0.005)
        over = os.waitpid(child, os.WNOHANG) != (0, 0)
    if over:
        break
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.write(1, b"killed\\n")
"""


@pytest.mark.slow
def test_a_driver_killed_again_and_again_loses_and_repeats_nothing_that_was_taken(
    store: Store, tmp_path: Path
) -> None:
    seed = random.randrange(1000)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(seed)],
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    said = done.stdout.splitlines()
    assert said[-1:] == ["whole"], done.stderr
    assert said.count("killed") >= 2
    recorded = history.recorded_trials(store)
    assert recorded.keys() == {spec.id for spec in plan().trials()}
    for key, trial in recorded.items():
        assert trial.status is TrialStatus.FINISHED
        taken = said.index(f"ended {key}") if f"ended {key}" in said else len(said)
        assert f"starts {key}" not in said[taken:], f"seed {seed}"
        assert [step for step, _ in points(store, trial.run_id, "val/acc")] == [1, 2, 3]
        kept = Path(trial.artifact_uri.removeprefix("file://"), "trained", "state.safetensors")
        assert kept.read_text() == f"what {key} learned"
    assert left(tmp_path) == []
