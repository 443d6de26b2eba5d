from dataclasses import replace

import pytest
import torch
from torch import nn

from sweeper.errors import InputError
from sweeper.method import MethodParams
from sweeper.records import Score, TrialResult
from sweeper.spec.trial import Protocol
from sweeper.train.augmentation import CHANGES
from sweeper.train.construction import construct
from sweeper.train.probe import probe_seconds
from sweeper.train.trial import run_trial

from . import tiny

CPU = torch.device("cpu")
MEAN, STD = (torch.tensor(v).view(3, 1, 1) for v in ((0.5, 0.4, 0.3), (0.2, 0.25, 0.3)))


class Nearest(tiny.Probe):
    """A closed form: the rows of the head are the means of the classes' features."""

    def construct(self, own, others):  # noqa: ARG002
        features = self.features(own.read(torch.arange(len(own))))
        sums = nn.functional.one_hot(own.labels).float().T @ features
        self.head.weight.copy_(sums)
        self.head.requires_grad_(False)


class Started(tiny.Prompts):
    """Prompts that start from images, which are trained on; notes how it was called."""

    def construct(self, own, others):
        read = {name: split.read(torch.arange(len(split))) for name, split in others.items()}
        self.seen = [own.read(torch.tensor([3, 1])), own.labels, read]
        self.mode = (self.training, torch.is_grad_enabled())
        self.prompts += own.read(torch.arange(2)).flatten(1)[:, : tiny.WIDTH] / 10


class OtherParams(MethodParams):
    length: int = 2
    source: str = ""
    spare: str = ""


def trial(module, *, others=None, spec=None, **settings):
    """Records and result of a trial; it names the other tasks that it is given."""
    others = others or {}
    plugin = tiny.plugin(module)
    spec = spec or tiny.spec(module)
    if others:
        plugin = replace(plugin, params=OtherParams, tasks=("source", "spare"))
        params = {**spec.params, "source": "", "spare": "", **dict.fromkeys(others, "named")}
        spec = spec.model_copy(update={"params": params})
    steps = run_trial(
        spec,
        plugin=plugin,
        backbone=tiny.TinyBackbone(),
        task=tiny.task(),
        device=CPU,
        others=others,
        **settings,
    )
    records = []
    while True:
        try:
            records.append(next(steps))
        except StopIteration as end:
            return records, end.value


def test_a_method_without_a_construction_is_left_alone():
    method = tiny.method(tiny.Prompts)
    settings = (tiny.task(), {}, Protocol(), tiny.PREPROCESSING, CPU)
    assert construct(method, *settings) == {}
    assert method.training


@pytest.mark.parametrize("train_on", ["train", "train+val"])
def test_construction_reads_what_is_trained_on_in_eval_mode_without_gradients(train_on):
    method, task, other = tiny.method(Started), tiny.task(), tiny.split("other", 5)
    protocol = Protocol(train_on=train_on)
    measured = construct(method, task, {"source": other}, protocol, tiny.PREPROCESSING, CPU)
    assert measured.keys() == {"construction_seconds"}
    assert 0 < measured["construction_seconds"] < 60
    assert method.mode == (False, False)
    pixels, labels, others = method.seen
    torch.testing.assert_close(pixels, (task.train.images[[3, 1]] / 255 - MEAN) / STD)
    splits = [task.train.labels] + [task.val.labels] * (train_on == "train+val")
    assert torch.equal(labels, torch.cat(splits))
    assert others.keys() == {"source"}
    torch.testing.assert_close(others["source"], (other.images / 255 - MEAN) / STD)


def test_a_closed_form_is_counted_but_not_trained():
    records, result = trial(Nearest)
    assert records == []
    assert (result.epochs, result.trainable_parameters) == (0, 6 * 3 + 3)
    assert result.test.acc > 0.6, "the means of the classes tell them apart"
    assert result.measured["construction_seconds"] > 0
    assert TrialResult.from_json(result.to_json()) == result


def test_a_method_that_constructs_nothing_measures_nothing():
    assert trial(tiny.Prompts)[1].measured == {}


def test_what_was_constructed_is_where_training_starts():
    records, result = trial(Started)
    plain, _ = trial(tiny.Prompts, spec=tiny.spec(tiny.Prompts))
    assert [r.epoch for r in records] == [1, 2, 3, 4]
    assert records[0].train_loss != plain[0].train_loss
    assert result.trainable_parameters == 2 * tiny.WIDTH


class Standardised(tiny.Probe):
    """Features over a scale that is made from images and in no checkpoint, then trained."""

    def build(self, params, classes, seed):
        super().build(params, classes, seed)
        self.register_buffer("scale", torch.ones(tiny.EMBED), persistent=False)

    def features(self, images):
        return super().features(images) / self.scale

    def construct(self, own, others):  # noqa: ARG002
        self.scale.copy_(self.features(own.read(torch.arange(len(own)))).std(0))


@pytest.mark.parametrize("module", [Started, Standardised])
@pytest.mark.parametrize("kill", [1, 3])
def test_a_killed_trial_constructs_again_and_ends_with_the_scores_of_an_undisturbed_one(
    tmp_path, module, kill
):
    _, expected = trial(module)
    path = tmp_path / "trial"
    steps = run_trial(
        tiny.spec(module),
        plugin=tiny.plugin(module),
        backbone=tiny.TinyBackbone(),
        task=tiny.task(),
        device=CPU,
        checkpoint=path,
        save_every=0,
    )
    for _ in range(kill + 1):
        next(steps)
    steps.close()
    records, result = trial(module, checkpoint=path)
    assert [r.epoch for r in records] == list(range(kill + 1, 5))
    assert (result.val, result.test) == (expected.val, expected.test)


def test_a_trial_reads_the_other_tasks_that_it_names_and_says_which():
    other = tiny.split("other", 5)
    _, result = trial(Started, others={"source": other})
    assert result.provenance["source_digest"] == other.digest()


def test_a_trial_without_a_task_that_it_names_is_refused():
    plugin = replace(tiny.plugin(Started), params=OtherParams, tasks=("source", "spare"))
    params = {"length": 2, "source": "digits", "spare": ""}
    steps = run_trial(
        tiny.spec(Started).model_copy(update={"params": params}),
        plugin=plugin,
        backbone=tiny.TinyBackbone(),
        task=tiny.task(),
        device=CPU,
    )
    with pytest.raises(InputError, match="other tasks: ''; expected 'source' as planned"):
        next(steps)


def probed(module, **changes):
    return probe_seconds(
        tiny.spec(module, **changes),
        plugin=tiny.plugin(module),
        backbone=tiny.TinyBackbone(),
        task=tiny.task(),
        device=CPU,
    )


def test_a_probe_constructs_from_all_images(monkeypatch):
    lengths = []
    original = Nearest.construct
    spy = lambda self, own, others: (lengths.append(len(own)), original(self, own, others))  # noqa: E731
    monkeypatch.setattr(Nearest, "construct", spy)
    assert 0 < probed(Nearest) < 60
    assert 0 < probed(Nearest, epochs=0) < 60
    assert lengths == [37, 37]
    assert probed(Started) > 0
    assert probed(tiny.Prompts, epochs=0) == 0.0


def test_a_probe_reads_as_small_a_share_of_test_as_of_train(monkeypatch):
    sizes = []
    spy = lambda method, inputs, *_: sizes.append(len(inputs)) or Score(0.5, 1.0, 1)  # noqa: ARG005, E731
    monkeypatch.setattr("sweeper.train.fit.evaluate", spy)
    own = tiny.spec(tiny.Prompts, batch_size=2)
    own = own.model_copy(update={"protocol": Protocol(selection="best_test")})
    backbone = tiny.TinyBackbone()
    plugin = tiny.plugin(tiny.Prompts)
    probe_seconds(own, plugin=plugin, backbone=backbone, task=tiny.task(), device=CPU)
    assert sizes == [2, 3, 2, 3]  # 6 of 37 images to train on: 2 of 12 of val, 3 of 18 of test


@pytest.mark.parametrize("augmentation", ["flip", "vpt", "coop", "pgn_official"])
def test_a_probe_trains_with_the_augmentation(monkeypatch, augmentation):
    changed = []
    original = CHANGES[augmentation]
    spy = lambda *given: changed.append(given[0].shape[-1]) or original[0](*given)  # noqa: E731
    monkeypatch.setitem(CHANGES, augmentation, (spy, original[1]))
    assert probed(tiny.Prompts, augmentation=augmentation) > 0
    assert set(changed) == {{"vpt": 9, "coop": 12}.get(augmentation, 8)}
