"""A secret on the command line or in the environment is not printed, and not passed over."""

from __future__ import annotations

import subprocess
import sys

import pytest

SECRET = "open-sesame-42"
WARNING = "warning: a password on the command line"
DATABASE = f"postgresql://sweeper:{SECRET}@127.0.0.1:9/db"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (DATABASE, "postgresql://sweeper:HIDDEN@127.0.0.1:9/db: cannot be reached"),
        (f"https://user:{SECRET}@127.0.0.1:9", "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASS"),
        (f"ftp://user:{SECRET}@127.0.0.1:9", "ftp://user:HIDDEN@127.0.0.1:9: not a store"),
    ],
)
@pytest.mark.parametrize("words", [["status", "x"], ["report", "x", "--json"]])
def test_the_address_of_a_store(command, monkeypatch, tmp_path, address, said, words):
    typed = command(*words, "--store", address)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    quiet = command(*words)
    for run in (typed, quiet):
        assert run.code == 2
        assert said in run.err
        assert SECRET not in run.out + run.err
    assert WARNING in typed.err
    assert WARNING not in quiet.err
    assert not [*tmp_path.iterdir()]


def test_what_another_program_would_print(command):
    run = command("status", DATABASE, "--seeds", DATABASE)  # click itself quotes it
    assert run.code == 2
    assert SECRET not in run.out + run.err


def test_the_whole_program():
    words = [sys.executable, "-m", "sweeper", "status", "x", "--store", DATABASE]
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert WARNING in run.stderr
    assert "HIDDEN" in run.stderr
    assert SECRET not in run.stderr


def test_the_ui_hears_on_this_machine_only_and_its_command_shows_no_address(command, monkeypatch):
    from sweeper.tracking import store

    calls = []
    monkeypatch.setattr(store, "open_store", lambda uri: uri)
    monkeypatch.setattr(subprocess, "call", lambda words, env: calls.append((words, env)) or 0)
    assert command("ui", "--store", DATABASE, "--port", "5123").code == 0
    ((words, env),) = calls
    assert words[-4:] == ["--host", "127.0.0.1", "--port", "5123"]
    assert SECRET not in " ".join(words)
    assert env["MLFLOW_BACKEND_STORE_URI"] == DATABASE
