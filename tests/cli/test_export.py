"""`export` and `convert` from a store or a file to a folder that loads."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from sweeper.backbones import towers
from sweeper.execution.job import Job, trained_file
from sweeper.execution.message import read
from sweeper.execution.worker import messages
from sweeper.exported import describe, load
from sweeper.exported.release import layout
from sweeper.spec.trial import TrialSpec
from sweeper.tracking.names import TRAINED
from sweeper.tracking.writer import Writer
from sweeper.train import trained
from tests.cli.conftest import Said
from tests.execution.launches import plan, trial, write_method
from tests.tracking.made import blank_store

Command = Callable[..., Said]


def finish(results: Path, spec: TrialSpec, **settings: object) -> TrialSpec:
    """Trains `spec` as a worker does and records it as a launch does, without Ray."""
    whole = plan(spec, **settings)
    job = Job.of(whole, results)
    told = [read(message) for message in messages(spec, job, torch.device("cpu"))]
    store = blank_store(results)
    with Writer(store, whole, trained=partial(trained_file, results)) as writer:
        writer.trial_started(spec, 1)
        for record in told[:-1]:
            writer.epoch(spec, record)  # type: ignore[arg-type]
        writer.trial_ended(spec, told[-1])  # type: ignore[arg-type]
    assert TRAINED in told[-1].provenance  # type: ignore[union-attr]
    return spec


def test_a_finished_trial_is_exported_and_scores_as_it_did(
    command: Command, tmp_path: Path
) -> None:
    spec = finish(tmp_path / "results", trial("lp", epochs=1))
    said = command("export", spec.id[:8], "--json")
    assert said.code == 0, said.err
    told = json.loads(said.out)
    folder = Path("results/exported") / spec.id
    assert (told["kind"], told["id"], Path(told["folder"])) == ("export", spec.id, folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "description.json",
        "model.safetensors",
    ]
    found = describe(folder)
    assert found.task == "digits"
    assert len(found.classes) == 10
    assert found.provenance["version.sweeper"]
    assert found.provenance["commit"]
    kept = trained.read(trained_file(tmp_path / "results", spec.id))
    model = load(folder)
    assert all(torch.equal(model.state_dict()[name], kept.state[name]) for name in kept.state)
    assert command("export", spec.id).code == 0, "an export of the same trial is written over"


def test_the_file_of_a_users_method_goes_with_it(command: Command, tmp_path: Path) -> None:
    own = write_method(tmp_path)
    spec = trial(str(own), epochs=1)
    finish(tmp_path / "results", spec, sources={spec.method: str(own)})
    source = own.read_bytes()
    own.unlink()
    said = command("export", spec.id, "--to", "out")
    assert said.code == 0, said.err
    assert Path("out/method.py").read_bytes() == source
    assert 'load(folder, method="./method.py")' in Path("out/README.md").read_text()
    load("out", towers.load("embedded"), method="./method.py")


def test_an_unknown_trial_and_a_full_folder_are_refused(command: Command, tmp_path: Path) -> None:
    spec = finish(tmp_path / "results", trial("lp", epochs=1))
    said = command("export", spec.id[:-1] + "_")
    assert said.code == 2
    assert f"Did you mean '{spec.id}'?" in said.err
    said = command("export", spec.id, "--to", "results")
    assert said.code == 2
    assert "there are other files in it" in said.err


def test_other_tensors_than_the_recorded_ones_are_not_exported(
    command: Command, tmp_path: Path
) -> None:
    spec = finish(tmp_path / "results", trial("lp", epochs=1))
    (kept,) = (tmp_path / "results" / "mlartifacts").rglob("state.safetensors")
    found = trained.read(kept)
    for value in found.state.values():
        value.add_(1)
    trained.write(found, kept)
    said = command("export", spec.id)
    assert said.code == 2
    assert "other tensors than the trial recorded" in said.err


@pytest.mark.parametrize("name", ["pgn_clip_x.pt", "pgn_clip_eurosat.pt"])
def test_a_released_file_is_converted_with_what_is_doubtful_said(
    command: Command, name: str
) -> None:
    width = towers.describe("embedded").width
    tensors = {key: torch.zeros(s, dtype=d) for key, (s, d) in layout(4, 8, width).items()}
    torch.save(tensors, name)
    said = command("convert", name, "--task", "digits", "--backbone", "embedded", "--json")
    assert said.code == 0, said.err
    folder = Path(json.loads(said.out)["folder"])
    assert folder == Path("results/exported") / Path(name).stem
    assert describe(folder).task == "digits"
    assert ("warning:" in said.err) is (name == "pgn_clip_eurosat.pt")
    load(folder)


def test_a_file_that_is_no_release_is_refused_in_one_line(command: Command) -> None:
    Path("x.pt").write_text("nothing")
    said = command("convert", "x.pt", "--task", "digits", "--backbone", "embedded")
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert "the 63 tensors of a released PGN" in said.err
    assert not Path("results").exists()
