"""Files of weights on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.backbones.tiny_file import tiny_file
from tests.cli.conftest import Said
from tests.cli.test_export import finish
from tests.execution.test_worker import SWEEP
from tests.tasks.test_folder import fill

Command = Callable[..., Said]
NOTE = "warning: 'tiny.safetensors' is taken for timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k"


def test_a_file_is_described_as_a_backbone_with_what_was_assumed(
    command: Command, tmp_path: Path
) -> None:
    tiny_file(tmp_path)
    said = command("backbones", "./tiny.safetensors", "--json")
    (found,) = json.loads(said.out)["backbones"]
    assert (found["name"], found["width"], found["patches"]) == ("tiny.safetensors", 192, 196)
    assert found["weights"].startswith("weights-")
    assert said.err.startswith(NOTE)
    like = "timm/vit_tiny_patch16_224.augreg_in21k"
    said = command("backbones", f"./tiny.safetensors@{like}")
    assert said.code == 0
    assert f"tiny.safetensors@{like}" in said.out
    assert said.err == ""


def test_what_does_not_fit_is_one_error(command: Command, tmp_path: Path) -> None:
    tiny_file(tmp_path)
    said = command("backbones", "./tiny.safetensors@timm/vit_small_patch16_224.dino")
    assert said.code == 2
    assert said.err.count("error:") == 1
    assert "not [1, 1, 384]" in said.err


def test_a_sweep_takes_a_file_and_says_once_what_was_assumed(
    command: Command, tmp_path: Path
) -> None:
    tiny_file(tmp_path)
    text = "base: {method: lp, backbone: embedded, task: digits}\nseeds: [0, 1]\n"
    (tmp_path / "sweep.yaml").write_text(text)
    said = command("validate", "sweep.yaml", "--set", "backbone=./tiny.safetensors")
    assert said.code == 0, said.err
    assert said.err.startswith(NOTE)
    assert said.err.count("warning") == 1
    assert command("validate", "sweep.yaml").err == ""
    said = command("validate", "sweep.yaml", "--set", "backbone=./tiny.safetensor")
    assert said.code == 2
    assert "tiny.safetensor: no such file" in said.err


@pytest.fixture
def finished(command: Command, tmp_path: Path) -> str:
    """The id of a finished trial on a file of weights."""
    from sweeper.catalog import Installed
    from sweeper.spec.load import load

    del command
    fill(tmp_path / "pets" / "cat", 6)
    fill(tmp_path / "pets" / "dog", 6, level=150)
    tiny_file(tmp_path)
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    found = load(tmp_path / "sweep.yaml", Installed())
    (spec,) = found.trials()
    finish(tmp_path / "results", spec, sources=found.sources)
    return spec.id


def test_a_trial_on_a_file_is_exported_and_analysed(
    command: Command, tmp_path: Path, finished: str
) -> None:
    said = command("export", finished, "--to", "out")
    assert said.code == 0, said.err
    assert 'backbone_path="tiny.safetensors"' in Path("out/README.md").read_text()
    said = command("analyse", finished, "feature-nmi", "--to", "looked", "--limit", "3")
    assert said.code == 0, said.err
    tiny_file(tmp_path, classes=3)
    said = command("analyse", finished, "feature-nmi", "--to", "looked", "--limit", "3")
    assert said.code == 2
    assert "backbone 'tiny.safetensors': its weights are weights-" in said.err
