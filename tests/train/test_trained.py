import dataclasses

import pytest
import torch

from sweeper.errors import CheckpointError
from sweeper.train import checkpoint, trained
from sweeper.train.state import state_of
from sweeper.train.trial import run_trial

from . import tiny
from .test_fit import Exploding
from .test_trial import run


def test_a_trial_keeps_the_parameters_that_it_was_tested_with(tmp_path, monkeypatch):
    tested = []
    spec = tiny.spec(tiny.Generator)
    spec = spec.model_copy(
        update={"protocol": spec.protocol.model_copy(update={"selection": "best_val"})}
    )

    def spy(method, path, **what):
        tested.append({name: value.clone() for name, value in state_of(method).items()})
        trained.keep(method, path, **what)

    monkeypatch.setattr("sweeper.train.trial.keep_trained", spy)
    _, result = run(tiny.Generator, spec=spec, keep=tmp_path / "deep" / "state")
    found = trained.read(tmp_path / "deep" / "state")
    assert found.trial_id == result.trial_id
    assert (found.classes, found.template) == (tiny.CLASSES, "a {}")
    assert found.preprocessing == tiny.PREPROCESSING
    assert found.buffers >= {"trunk.1.running_mean", "trunk.1.num_batches_tracked"}
    assert "trunk.0.weight" not in found.buffers
    assert found.state.keys() == tested[0].keys()
    assert all(torch.equal(found.state[name], tested[0][name]) for name in found.state)
    assert len(trained.digest_of(tmp_path / "deep" / "state")) == 64


def test_what_is_kept_scores_on_test_as_the_trial_did(tmp_path):
    _, result = run(tiny.Generator, keep=tmp_path / "state")
    method = tiny.method(tiny.Generator, seed=1).eval()
    for name, value in trained.read(tmp_path / "state").state.items():
        method.state_dict()[name].copy_(value)
    test, seen = tiny.task().test, tiny.PREPROCESSING
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (seen.mean, seen.std))
    with torch.no_grad():
        logits = method((test.images / 255 - mean) / std)
    assert (logits.argmax(1) == test.labels).float().mean().item() == pytest.approx(result.test.acc)


def test_nothing_is_kept_where_nothing_was_learned_or_the_trial_did_not_finish(tmp_path):
    class Nothing(tiny.ZeroShot):
        def __init__(self, **what):
            super().__init__(**what)
            text = self.text
            del self.text
            self.register_buffer("text", text, persistent=False)

    run(Nothing, trains=False, keep=tmp_path / "state")
    run(Exploding, keep=tmp_path / "state")
    steps = run_trial(
        tiny.spec(tiny.Prompts),
        plugin=tiny.plugin(tiny.Prompts),
        backbone=tiny.TinyBackbone(),
        task=tiny.task(),
        device=torch.device("cpu"),
        keep=tmp_path / "state",
    )
    next(steps)
    steps.close()
    assert not (tmp_path / "state").exists()


def test_a_checkpoint_or_another_version_is_not_what_a_trial_has_learned(tmp_path, monkeypatch):
    path = tmp_path / "file"
    checkpoint.write(checkpoint.Checkpoint(1, 1, 1.0, {"a": torch.zeros(2)}, {}, {}), path, "id")
    with pytest.raises(CheckpointError, match="not what a trial has learned"):
        trained.read(path)
    run(tiny.Prompts, keep=path)
    found = trained.read(path)
    monkeypatch.setattr(trained, "VERSION", 9)
    trained.write(dataclasses.replace(found), path)
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="version 9, expected 1"):
        trained.read(path)
