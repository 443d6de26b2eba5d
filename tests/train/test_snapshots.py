"""What a trial had learned on the way is kept, whatever interrupts it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sweeper.spec.snapshots import snapshot_epochs, snapshot_file
from sweeper.spec.trial import Recipe
from sweeper.train.trained import digest_of, read
from sweeper.train.trial import run_trial

from . import tiny
from .test_rounds import Pruned
from .test_trial import run

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("snapshots", "epochs", "kept"),
    [
        (0, 10, []),
        (1, 10, [10]),
        (2, 10, [5, 10]),
        (3, 10, [4, 7, 10]),
        (10, 10, list(range(1, 11))),
        (12, 4, [1, 2, 3, 4]),
        (3, 0, []),
    ],
)
def test_epochs_are_evenly_spaced_and_end_with_the_last(
    snapshots: int, epochs: int, kept: list[int]
) -> None:
    assert snapshot_epochs(snapshots, epochs) == kept


def test_a_recipe_without_snapshots_is_written_as_before() -> None:
    assert "snapshots" not in Recipe().model_dump_json()
    assert tiny.spec(tiny.Prompts).id == tiny.spec(tiny.Prompts, snapshots=0).id
    assert tiny.spec(tiny.Prompts).id != tiny.spec(tiny.Prompts, snapshots=2).id


def files(folder: Path) -> dict[str, str]:
    return {path.name: digest_of(path) for path in sorted(folder.glob("*.safetensors"))}


def test_snapshots_differ_and_the_last_is_the_end(tmp_path: Path) -> None:
    spec = tiny.spec(tiny.Generator, snapshots=2)
    _, result = run(tiny.Generator, spec=spec, keep=tmp_path / "state.safetensors")
    found = files(tmp_path)
    assert set(found) == {"epoch_2.safetensors", "epoch_4.safetensors", "state.safetensors"}
    assert found["epoch_4.safetensors"] == found["state.safetensors"]
    assert found["epoch_2.safetensors"] != found["epoch_4.safetensors"]
    assert read(tmp_path / snapshot_file(2)).trial_id == result.trial_id


def test_a_snapshot_is_what_training_that_long_gives(tmp_path: Path) -> None:
    short = tiny.spec(tiny.Generator, epochs=2, schedule="constant")
    long = tiny.spec(tiny.Generator, epochs=4, schedule="constant", snapshots=2)
    run(tiny.Generator, spec=short, keep=tmp_path / "short" / "state.safetensors")
    run(tiny.Generator, spec=long, keep=tmp_path / "long" / "state.safetensors")
    kept = files(tmp_path / "long")["epoch_2.safetensors"]
    assert kept == files(tmp_path / "short")["state.safetensors"]


@pytest.mark.parametrize("kill", [1, 2, 3, 4])
def test_a_trial_that_was_killed_leaves_the_same_snapshots(tmp_path: Path, kill: int) -> None:
    spec = tiny.spec(tiny.Generator, snapshots=3)
    run(tiny.Generator, spec=spec, keep=tmp_path / "whole" / "state.safetensors")
    keep, checkpoint = tmp_path / "cut" / "state.safetensors", tmp_path / "cut" / "trial"
    steps = run_trial(
        spec,
        plugin=tiny.plugin(tiny.Generator),
        backbone=tiny.TinyBackbone(),
        task=tiny.task(),
        device=CPU,
        checkpoint=checkpoint,
        save_every=0,
        keep=keep,
    )
    for _ in range(kill):
        next(steps)
    steps.close()
    run(tiny.Generator, spec=spec, checkpoint=checkpoint, save_every=0, keep=keep)
    assert files(tmp_path / "cut") == files(tmp_path / "whole")
    assert len(files(tmp_path / "whole")) == 4


def test_epochs_of_all_rounds_count(tmp_path: Path) -> None:
    spec = tiny.spec(Pruned, epochs=3, snapshots=2)
    _, result = run(Pruned, spec=spec, keep=tmp_path / "state.safetensors")
    assert result.epochs == 6
    assert set(files(tmp_path)) == {
        "state.safetensors", *(snapshot_file(n) for n in snapshot_epochs(2, result.epochs))
    }  # fmt: skip


def test_nothing_is_kept_where_nothing_is_asked_for(tmp_path: Path) -> None:
    run(tiny.Generator, keep=tmp_path / "state.safetensors")
    assert set(files(tmp_path)) == {"state.safetensors"}
