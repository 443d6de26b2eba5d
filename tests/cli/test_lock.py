"""One launch of a sweep and profile at a time in a results folder."""

from __future__ import annotations

import errno
import fcntl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sweeper.cli.lock import FOLDER, alone
from sweeper.errors import InputError
from sweeper.spec.plan import Plan
from tests.cli.conftest import Said

HOLD = """
import sys
from pathlib import Path
from sweeper.cli.lock import alone
from sweeper.spec.plan import Plan

with alone(Path(sys.argv[1]), Plan(sweep="pgn", profile=sys.argv[2], seeds=(0,), cells=())):
    print("held", flush=True)
    input()
"""


def plan(profile: str = "demo", note: str = "") -> Plan:
    return Plan(sweep="pgn", profile=profile, seeds=(0,), cells=(), note=note)


@contextmanager
def other(results: Path, profile: str = "demo") -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the sweep `pgn` and a profile in `results`."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(results), profile],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_is_refused_soon_and_told_who_the_first_is(tmp_path: Path) -> None:
    with other(tmp_path) as first:
        began = time.monotonic()
        with pytest.raises(InputError) as refused, alone(tmp_path, plan(note="other settings")):
            pass
        assert time.monotonic() - began < 5
        assert f"sweep pgn, profile demo: is being run by process {first.pid} on " in str(
            refused.value
        )
        with pytest.raises(InputError), alone(tmp_path, plan()):
            pass  # the refused one has taken nothing from the first
        with alone(tmp_path, plan("paper")):
            pass  # another profile is another launch


def test_the_command_ends_with_2_and_has_written_nothing(
    command: Callable[..., Said], tmp_path: Path
) -> None:
    file = tmp_path / "pgn.yaml"
    file.write_text(
        "base: {method: iip, backbone: embedded, task: digits, epochs: 1}\nseeds: [0]\n"
    )
    with other(tmp_path / "results", profile="") as first:
        said = command("run", file)
        assert said.code == 2
        told = f"error: sweep pgn: is being run by process {first.pid} on "
        assert said.err.splitlines()[-1].startswith(told), said.err
        held = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")]
        assert sorted(held) == [
            "pgn.yaml",
            "results",
            "results/running",
            "results/running/pgn.lock",
        ]


def test_kill_9_frees_it_and_what_was_left_is_nobody(tmp_path: Path) -> None:
    with other(tmp_path) as first:
        first.kill()
        first.wait()
        assert (tmp_path / FOLDER / "pgn@demo.lock").read_text()
        with alone(tmp_path, plan()):
            pass


def test_nothing_is_left_behind_and_nothing_of_others_is_removed(tmp_path: Path) -> None:
    with alone(tmp_path / "new" / "results", plan()):
        assert (tmp_path / "new" / "results" / FOLDER / "pgn@demo.lock").exists()
    assert not list(tmp_path.iterdir())
    kept = tmp_path / "results"
    kept.mkdir()
    with alone(kept, plan()):
        pass
    assert not list(kept.iterdir())
    with pytest.raises(ZeroDivisionError), alone(kept, plan()):
        raise ZeroDivisionError
    with alone(kept, plan()):
        pass


def test_where_a_file_system_has_no_locks_that_is_said_and_the_launch_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EIO]

    def refuse(*_: object) -> None:
        raise OSError(numbers[0], "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    while numbers[0] != errno.EIO:
        with alone(tmp_path, plan()):
            pass
        assert "knows no locks (No locks available)" in capsys.readouterr().err
        assert not list(tmp_path.iterdir())
        del numbers[0]
    with pytest.raises(InputError, match=r"--results: .*lock: No locks available"):
        alone(tmp_path, plan()).__enter__()
