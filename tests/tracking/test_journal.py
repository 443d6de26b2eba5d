"""What was told is on disk when the call returns, whatever is killed or full."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sweeper.errors import FaultError
from sweeper.faults import Fault, Incident
from sweeper.records import TrialStatus
from sweeper.spec.plan import Plan
from sweeper.tracking.event import Event
from sweeper.tracking.journal import Head, Journal, left_behind
from sweeper.tracking.origin import Origin
from tests.mounted import small_disk

from . import made

PLAN = Plan(sweep="small", profile="demo", seeds=(0,), cells=(made.cell(prompt_length=4),))
SPEC = PLAN.trials()[0]
HEAD = Head("sqlite:///x", PLAN, Origin(1000, {"commit": "c1"}, {"mine@1": "# é\r\n"}))
EVENTS = [
    Event(1, SPEC, 5),
    Event(made.record(1), SPEC, 6),
    Event(replace(made.record(2), train_loss=math.inf), SPEC, 7),
    Event(Incident(Fault.NODE_LOST, 8, SPEC.id, "node é")),
    *(Event(made.result(SPEC, s), SPEC, 9) for s in TrialStatus if s is not TrialStatus.RUNNING),
]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    found = Journal.create(tmp_path, HEAD)
    yield found
    found.close()


def only(folder: Path) -> Journal:
    (found,) = left_behind(folder)
    return found


def test_head_and_events_come_back_as_they_were(journal: Journal, tmp_path: Path) -> None:
    for event in EVENTS:
        journal.append(event)
    journal.close()
    found = only(tmp_path)
    assert found.head == HEAD
    assert found.head.plan.digest == PLAN.digest
    assert found.events == EVENTS


def test_a_line_that_was_cut_anywhere_counts_for_nothing(journal: Journal, tmp_path: Path) -> None:
    for event in EVENTS[:2]:
        journal.append(event)
    journal.close()
    whole = journal.path.read_bytes()
    end = whole[:-1].rindex(b"\n") + 1
    for cut in range(end, len(whole), 97):
        journal.path.write_bytes(whole[:cut])
        assert only(tmp_path).events == EVENTS[:1]


@pytest.mark.parametrize("cut", [0, 100])
def test_a_journal_that_tells_nothing_is_removed(
    journal: Journal, tmp_path: Path, cut: int
) -> None:
    journal.close()
    journal.path.write_bytes(journal.path.read_bytes()[: cut or None])
    assert list(left_behind(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_line_is_named(journal: Journal, tmp_path: Path) -> None:
    journal.append(EVENTS[0])
    journal.close()
    journal.path.write_bytes(journal.path.read_bytes() + b'{"when": 3}\n')
    with pytest.raises(FaultError, match=r"undelivered-small-1000.jsonl:3: cannot be read"):
        only(tmp_path)


def test_a_journal_of_another_version_is_refused(journal: Journal, tmp_path: Path) -> None:
    journal.append(EVENTS[0])
    journal.close()
    text = journal.path.read_bytes().replace(b'"version": 1', b'"version": 2', 1)
    journal.path.write_bytes(text)
    with pytest.raises(FaultError, match=r":1: .*version 2, and this sweeper reads 1"):
        only(tmp_path)


def test_a_journal_that_a_launch_uses_is_left_alone(journal: Journal, tmp_path: Path) -> None:
    journal.append(EVENTS[0])
    assert list(left_behind(tmp_path)) == []
    assert journal.path.exists()


def test_what_a_trial_has_learned_outlives_its_folder(journal: Journal, tmp_path: Path) -> None:
    there = tmp_path / "checkpoints" / SPEC.id
    there.mkdir(parents=True)
    files = [there / "epoch_1.safetensors", there / "state.safetensors"]
    for file in files:
        file.write_text(file.name)
    for _ in range(2):  # a trial that went on after a kill leaves them again
        journal.keep(SPEC.id, files)
    for file in files:
        file.unlink()
    kept = journal.kept(SPEC.id)
    assert [kept.read_text(), kept.with_name("epoch_1.safetensors").read_text()] == [
        "state.safetensors",
        "epoch_1.safetensors",
    ]
    journal.forget(SPEC.id)
    assert not kept.exists()


def _fill(journal: Journal, told: list[int]) -> None:
    """Append, and note in `told` what was appended, until it is refused."""
    for number in range(10_000):
        journal.append(Event(made.record(number + 1), SPEC, number))
        told.append(number)


def test_nothing_is_half_recorded_on_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "256k") as disk:
        journal = Journal.create(disk, HEAD)
        told: list[int] = []
        with pytest.raises(FaultError, match=r"disk full at .*undelivered-small-1000\.jsonl"):
            _fill(journal, told)
        assert len(told) > 10
        journal.close()
        assert [event.when for event in only(disk).events] == told
        with pytest.raises(FaultError, match="disk full at"):
            Journal.create(disk, replace(HEAD, origin=Origin(2000, {"a": "b" * 200_000}, {})))
        assert [path.name for path in disk.iterdir()] == ["undelivered-small-1000.jsonl"]


def test_ctrl_c_in_the_middle_of_appending_leaves_no_half_line(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def half(file: int, data: memoryview) -> int:
        write(file, data[: len(data) // 2])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(KeyboardInterrupt):
            journal.append(EVENTS[0])
    journal.append(EVENTS[1])
    journal.close()
    assert only(tmp_path).events == EVENTS[1:2]


KILLED = """
import os, sys
from pathlib import Path
from tests.tracking import made
from tests.tracking.test_journal import HEAD, SPEC
from sweeper.tracking.event import Event
from sweeper.tracking.journal import Journal

journal = Journal.create(Path(sys.argv[1]), HEAD)
number = 0
while True:
    number += 1
    journal.append(Event(made.record(number), SPEC, number))
    os.write(1, b"%d\\n" % number)
"""


def test_a_kill_in_the_middle_of_appending_loses_nothing_that_was_acknowledged(
    tmp_path: Path,
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(200)]
    process.send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in process.stdout.read().splitlines()]
    process.wait(30)
    found = [event.when for event in only(tmp_path).events]
    assert found[: len(acknowledged)] == acknowledged
    assert found == list(range(1, len(found) + 1))
    assert len(found) - len(acknowledged) <= 1
