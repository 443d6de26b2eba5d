"""Bad input gets one clear error, exit code 2, and nothing is written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Said

Command = Callable[..., Said]
SPACES = Path(__file__).parents[2] / "search_spaces"
SMOKE = SPACES / "smoke.yaml"
SWEEP = """\
base: {method: iip, backbone: embedded, task: digits, epochs: 1}
seeds: [0]
"""


def _file(text: str) -> Path:
    path = Path("sweep.yaml")
    path.write_text(text)
    return path


BAD = {
    "malformed": ("base: {method: iip\n", ["sweep.yaml:"]),
    "duplicate key": (SWEEP + "seeds: [1]\n", ["sweep.yaml:3:1", "seeds", "twice"]),
    "method": (SWEEP.replace("iip", "ipp"), ["sweep.yaml:1:16", "'ipp'", "Did you mean 'iip'?"]),
    "parameter": (
        SWEEP.replace("epochs: 1", "epochs: 1, prompt_lenght: 8"),
        ["prompt_lenght", "Did you mean 'prompt_length'?"],
    ),
    "backbone": (SWEEP.replace("embedded", "embeded"), ["'embeded'", "embedded"]),
    "task": (SWEEP.replace("digits", "digit"), ["'digit'", "Did you mean 'digits'?"]),
    "out of bounds": (
        SWEEP.replace("epochs: 1", "epochs: 1, prompt_length: 0"),
        ["prompt_length", "0", "greater than or equal to 1"],
    ),
    "too long for the backbone": (
        SWEEP.replace("epochs: 1", "epochs: 1, prompt_length: 4000"),
        ["prompt_length", "4000"],
    ),
    "section": (SWEEP + "ablatee: {}\n", ["sweep.yaml:3:1", "Did you mean 'ablate'?"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_sweep_file_is_refused_before_anything_is_written(command: Command, name: str) -> None:
    text, expected = BAD[name]
    said = command("run", _file(text))
    assert said.code == 2, said.err
    for part in expected:
        assert part in said.err
    assert sorted(path.name for path in Path().iterdir()) == ["sweep.yaml"]


def test_all_mistakes_are_said_at_once(command: Command) -> None:
    said = command("run", _file("base: {method: ipp, backbone: no, task: digit}\nseeds: many\n"))
    assert said.code == 2
    for part in ("'ipp'", "'no'", "'digit'", "seeds"):
        assert part in said.err


def test_missing_file_is_named(command: Command) -> None:
    said = command("run", "nowhere.yaml")
    assert said.code == 2
    assert "nowhere.yaml" in said.err


def test_unknown_profile_says_the_nearest(command: Command) -> None:
    said = command("validate", SPACES / "pgn_ablation.yaml", "--profile", "papre")
    assert said.code == 2
    assert "Did you mean 'paper'?" in said.err


def test_empty_class_and_unreadable_image_are_named(command: Command) -> None:
    grey = Image.fromarray(np.zeros((8, 8), np.uint8))
    for name in ("cat", "dog"):
        Path("images", name).mkdir(parents=True)
    for number in range(6):
        grey.save(Path("images", "cat", f"{number}.png"))
    Path("images", "cat", "broken.png").write_bytes(b"no image")
    said = command("run", _file(SWEEP.replace("digits", "./images")))
    assert said.code == 2
    assert "broken.png" in said.err
    assert "dog" in said.err
    assert not Path("results").exists()


def test_results_folder_that_is_a_file_is_refused(command: Command) -> None:
    Path("taken").write_text("")
    said = command("run", _file(SWEEP), "--results", "taken")
    assert said.code == 2
    assert "'" in said.err
    assert "a folder" in said.err


def test_results_in_the_copy_of_a_job_are_refused_and_the_environment_names_others(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    copy = tmp_path / "runtime_resources" / "working_dir_files" / "_ray_pkg_0123"
    copy.mkdir(parents=True)
    sweep = _file(SWEEP).absolute()
    monkeypatch.chdir(copy)
    said = command("run", sweep, "--address", "127.0.0.1:1")
    assert said.code == 2
    assert f"'{copy}/results', Ray's copy of the job's working directory" in said.err
    assert "SWEEPER_RESULTS" in said.err
    monkeypatch.setenv("SWEEPER_RESULTS", str(tmp_path / "kept"))
    assert "127.0.0.1:1" in command("run", sweep, "--address", "127.0.0.1:1").err
    assert not list(copy.iterdir())


def test_store_of_another_version_is_refused_and_left_alone(command: Command) -> None:
    Path("results").mkdir()
    store = Path("results", "mlflow.db")
    with sqlite3.connect(store) as database:
        database.execute("create table alembic_version (version_num text)")
        database.execute("insert into alembic_version values ('0123456789ab')")
    before = store.read_bytes()
    said = command("run", _file(SWEEP))
    assert said.code == 2
    assert "0123456789ab" in said.err
    assert store.read_bytes() == before


def test_ray_address_that_refuses_is_said_and_nothing_is_written(command: Command) -> None:
    said = command("run", _file(SWEEP), "--address", "127.0.0.1:1")
    assert said.code == 2
    assert "127.0.0.1:1" in said.err
    assert not Path("results").exists()


def test_malformed_options_are_said_together(command: Command) -> None:
    said = command("run", SMOKE, "--set", "epochs", "--set", "=3")
    assert said.code == 2
    assert "'epochs'" in said.err
    assert "'=3'" in said.err


def test_plan_says_what_would_run_and_writes_nothing(command: Command) -> None:
    said = command("plan", SMOKE, "--json")
    assert said.code == 0, said.err
    plan = json.loads(said.out)
    assert plan["trials"] == plan["missing"] > 0
    assert plan["seconds"] > 0
    assert not Path("results").exists()


def test_plan_needs_no_public_data_and_names_what_a_run_would_need(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SWEEPER_DATA", str(tmp_path / "none"))
    file = _file(SWEEP.replace("digits", "digits+cifar10"))
    said = command("plan", file)
    assert said.code == 0, said.err
    assert "needed to run it: cifar10: " in said.err
    assert "digits" not in said.err
    assert "1 trials, 1 to run, 1 trials whose time is not known" in said.out
    assert command("run", file).code == 2


def test_set_and_seeds_reach_the_plan(command: Command) -> None:
    said = command("plan", SMOKE, "--set", "epochs=2", "--seeds", "4", "--json")
    more = json.loads(said.out)
    usual = json.loads(command("plan", SMOKE, "--json").out)
    assert more["trials"] > usual["trials"]
    assert more["digest"] != usual["digest"]


def test_status_of_nothing_recorded_is_an_error(command: Command) -> None:
    said = command("status", "smoke")
    assert said.code == 2
    assert "mlflow.db" in said.err
