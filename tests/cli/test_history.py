"""`sweeper status` and a disk that is full while a report is written."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reports import build
from sweeper.faults import Fault, Incident
from sweeper.tracking.writer import Writer
from tests.cli.conftest import Said
from tests.tracking import made

Command = Callable[..., Said]


@pytest.fixture
def uri(tmp_path: Path) -> str:
    """A store of a finished ablation on the way of which two workers died."""
    store, plan = made.blank_store(tmp_path / "results"), made.ablation()
    with Writer(store, plan) as writer:
        for spec in plan.trials():
            made.train(writer, spec, made.result(spec))
        for when in (1, 2):
            writer.incident(Incident(Fault.WORKER_DIED, when, plan.trials()[0].id))
    return store.uri


def test_status_counts_what_happened_on_the_way(command: Command, uri: str) -> None:
    said = command("status", "ablation", "--store", uri)
    assert "on the way: worker died: 2 (told in the report)" in said.out
    said = command("status", "ablation", "--store", uri, "--json")
    assert json.loads(said.out)["incidents"] == {"worker died": 2}


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, 6), (errno.EDQUOT, 6), (errno.EROFS, 6)]
)
def test_a_report_that_finds_no_room_ends_with_six(
    command: Command, uri: str, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    def full(*_: object) -> None:
        raise OSError(number, "no room", "report.md")

    monkeypatch.setattr(build, "write", full)
    said = command("report", "ablation", "--store", uri)
    assert said.code == code
    assert said.err.strip().endswith(
        "error: the disk refused (no room: report.md). Make room, and run the same command again"
    )
