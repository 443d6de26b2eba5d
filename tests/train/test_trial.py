from dataclasses import replace
from typing import ClassVar

import pytest
import torch

from sweeper.backbones.random_vit import random_vit
from sweeper.backbones.setting import Setting
from sweeper.backbones.weights_digest import weights_digest
from sweeper.errors import CheckpointError, InputError
from sweeper.records import TrialResult, TrialStatus
from sweeper.spec.trial import Protocol
from sweeper.tasks.subset import subset
from sweeper.tasks.task import Split, Task
from sweeper.train import trained
from sweeper.train.probe import probe_seconds
from sweeper.train.trial import run_trial

from . import tiny
from .test_augmentation import on_canvas
from .test_fit import Exploding

CPU = torch.device("cpu")


def run(module, task=None, *, spec=None, trains=True, **settings):
    """Records and result of a trial."""
    steps = run_trial(
        spec or tiny.spec(module),
        plugin=tiny.plugin(module, trains=trains),
        backbone=tiny.TinyBackbone(),
        task=task or tiny.task(),
        device=CPU,
        **settings,
    )
    records = []
    while True:
        try:
            records.append(next(steps))
        except StopIteration as end:
            return records, end.value


def timeless(result):
    return {**result.to_json(), "seconds": 0}


def test_a_trial_ends_with_its_scores_and_provenance():
    records, result = run(tiny.Generator)
    assert [r.epoch for r in records] == [1, 2, 3, 4]
    assert result.trial_id == tiny.spec(tiny.Generator).id
    assert result.status is TrialStatus.FINISHED
    assert (result.epochs, result.val.n, result.test.n) == (4, 12, 18)
    assert result.val.acc == records[-1].val_acc
    assert result.trainable_parameters == (3 * 9 * 5 + 5) + 10 + (45 * 24 + 24)
    assert result.seconds >= sum(r.seconds for r in records)
    assert result.provenance["test_digest"] == tiny.task().test.digest()
    assert result.provenance["torch"] == torch.__version__
    assert result.provenance["weights_digest"] == weights_digest(tiny.TinyBackbone())
    assert {
        "train_digest",
        "val_digest",
        "device",
        "threads",
        "workers",
        "preprocessing",
    } <= result.provenance.keys()
    assert TrialResult.from_json(result.to_json()) == result


def test_a_trial_of_a_joint_task_has_the_accuracy_on_each_part():
    whole = tiny.task()
    parts = {"warm": range(12), "cold": range(12, 18)}
    task = replace(whole, info=replace(whole.info, parts=parts))
    (_, alone), (_, result) = run(tiny.Generator), run(tiny.Generator, task)
    assert result.measured.keys() == {"test/acc/warm", "test/acc/cold"}
    hits = result.measured["test/acc/warm"] * 12 + result.measured["test/acc/cold"] * 6
    assert hits == pytest.approx(18 * result.test.acc)
    assert result.test.acc == alone.test.acc
    assert TrialResult.from_json(result.to_json()) == result
    assert alone.measured == {}


def test_a_trial_is_measured_and_tested_as_its_task_says():
    whole = tiny.task()
    info = replace(whole.info, metric="macro F1", test_classes=(0, 2), rule="split_zhou")
    kept = whole.test.labels != 1
    task = replace(whole, info=info, test=Split(whole.test.images[kept], whole.test.labels[kept]))
    result = run(tiny.Generator, task)[1]
    open_to_all = run(tiny.Generator, replace(task, info=replace(info, test_classes=())))[1]
    assert result.measured.keys() == {"test/macro_f1"}
    assert result.test.loss < open_to_all.test.loss, "a class that cannot be is not in question"
    assert result.val == open_to_all.val, "val is classified among all"
    assert result.provenance["split_rule"] == "split_zhou"
    assert result.provenance["metric"] == "macro F1"
    assert "split_rule" not in run(tiny.Generator)[1].provenance, "nobody split a drawn task"


def test_trials_with_the_same_seed_agree_to_the_bit_and_others_do_not():
    assert timeless(run(tiny.Generator)[1]) == timeless(run(tiny.Generator)[1])
    other = tiny.spec(tiny.Generator, seed=1)
    assert run(tiny.Generator, spec=other)[1].test != run(tiny.Generator)[1].test


def test_a_method_that_trains_nothing_is_only_tested():
    records, result = run(tiny.ZeroShot, trains=False)
    assert records == []
    assert result.status is TrialStatus.FINISHED
    assert (result.epochs, result.trainable_parameters, result.test.n) == (0, 0, 18)


def test_no_epochs_means_no_training():
    records, result = run(tiny.Prompts, spec=tiny.spec(tiny.Prompts, epochs=0))
    assert (records, result.epochs, result.status) == ([], 0, TrialStatus.FINISHED)


@pytest.mark.parametrize("kill", [1, 2, 4])
def test_a_trial_killed_after_an_epoch_ends_as_an_undisturbed_one(tmp_path, kill):
    path = tmp_path / "trial.safetensors"
    _, expected = run(tiny.Generator)
    steps = run_trial(
        tiny.spec(tiny.Generator),
        plugin=tiny.plugin(tiny.Generator),
        backbone=tiny.TinyBackbone(),
        task=tiny.task(),
        device=CPU,
        checkpoint=path,
        save_every=0,
    )
    first = [next(steps).epoch for _ in range(kill)]
    steps.close()
    records, result = run(tiny.Generator, checkpoint=path)
    assert first[:-1] + [r.epoch for r in records] == [1, 2, 3, 4]
    assert timeless(result) == timeless(expected)


def test_a_trial_killed_before_its_test_is_tested_without_training_again(tmp_path):
    path = tmp_path / "trial.safetensors"
    _, expected = run(tiny.Generator, checkpoint=path, save_every=0)
    records, result = run(tiny.Generator, checkpoint=path)
    assert records == []
    assert timeless(result) == timeless(expected)
    assert result.seconds > expected.seconds * 0.5, "seconds of the first attempt count"


def test_checkpoints_are_not_written_more_often_than_asked(tmp_path):
    run(tiny.Prompts, checkpoint=tmp_path / "trial", save_every=3600)
    assert not (tmp_path / "trial").exists()


def test_a_checkpoint_of_another_trial_or_a_damaged_one_is_refused(tmp_path):
    path = tmp_path / "trial"
    run(tiny.Prompts, checkpoint=path, save_every=0)
    with pytest.raises(CheckpointError, match="belongs to trial"):
        run(tiny.Prompts, spec=tiny.spec(tiny.Prompts, seed=5), checkpoint=path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        run(tiny.Prompts, checkpoint=path)


def test_a_diverged_trial_is_a_result_without_scores():
    records, result = run(Exploding)
    assert records == []
    assert result.status is TrialStatus.DIVERGED
    assert "at step 3" in result.reason
    assert (result.test, result.val) == (None, None)


def test_a_trial_computes_only_what_its_id_promises():
    spec = tiny.spec(tiny.Prompts).model_copy(update={"data": "old", "weights": "other"})
    with pytest.raises(InputError) as caught:
        run(tiny.Prompts, spec=spec)
    assert [problem.where.split(", ")[1] for problem in caught.value.problems] == [
        "weights",
        "data",
    ]


def test_a_trial_is_trained_in_the_setting_that_its_protocol_says():
    words = {"pooling": "mean", "final_norm": "fresh", "normalisation": "imagenet"}
    spec = tiny.spec(tiny.ZeroShot, epochs=0).model_copy(
        update={"protocol": Protocol(**words), "backbone": "random-vit", "weights": "random"}
    )

    def last(backbone):
        steps = run_trial(
            spec,
            plugin=tiny.plugin(Constant, trains=False),
            backbone=backbone,
            task=tiny.task(),
            device=CPU,
        )
        with pytest.raises(StopIteration) as end:
            next(steps)
        return end.value.value

    spec = spec.model_copy(update={"method": "constant"})
    found = last(random_vit(setting=Setting(**words))).provenance
    assert {name: found[name] for name in ("pooling", "final_norm", "activation")} == {
        "pooling": "mean",
        "final_norm": "fresh",
        "activation": "gelu",
    }
    assert found["preprocessing"] == (
        "crop 32px bicubic mean=(0.485, 0.456, 0.406) std=(0.229, 0.224, 0.225)"
    )
    with pytest.raises(InputError, match="setting: 'Setting"):
        last(random_vit())


class Constant(torch.nn.Module):
    """Logits that no image moves."""

    def __init__(self, *, classes, **_):
        super().__init__()
        self.count = len(classes)

    def forward(self, images):
        return torch.zeros(len(images), self.count)


class Watchful(tiny.TinyBackbone):
    """Counts the test images that it is shown: they alone have a white corner."""

    seen = 0

    def encode_image(self, images, prompts=None):
        white = (1 - torch.tensor(tiny.PREPROCESSING.mean)) / torch.tensor(tiny.PREPROCESSING.std)
        self.seen += int(torch.isclose(images[:, :, 0, 0], white).all(1).sum())
        return super().encode_image(images, prompts)


@pytest.mark.parametrize("module", [tiny.Prompts, tiny.Probe, tiny.Generator])
@pytest.mark.parametrize("selection", ["last", "best_val", "best_test"])
def test_test_images_are_read_once_at_the_end_unless_the_protocol_selects_on_them(
    module, selection
):
    task, backbone = tiny.task(), Watchful()
    task.test.images[:, :, 0, 0] = 255
    spec = tiny.spec(module).model_copy(update={"protocol": Protocol(selection=selection)})
    plugin = tiny.plugin(module)
    steps = run_trial(spec, plugin=plugin, backbone=backbone, task=task, device=CPU)
    seen = [backbone.seen for _ in steps]
    if selection == "best_test":
        each = [18] * 4 if module is tiny.Probe else [18, 36, 54, 72]  # a probe keeps features
        assert (seen, backbone.seen) == (each, each[-1] + 18)
    else:
        assert (seen, backbone.seen) == ([0] * 4, 18)


def test_crops_are_trained_on_from_the_canvas():
    spec = tiny.spec(tiny.Prompts, augmentation="vpt")
    with pytest.raises(InputError, match="vpt, of no canvas"):
        run(tiny.Prompts, spec=spec)
    canvas = on_canvas(9)
    records, result = run(tiny.Prompts, spec=spec, canvas=canvas)
    assert result.status is TrialStatus.FINISHED
    canvas.train.images[:] = 255 - canvas.train.images
    others, _ = run(tiny.Prompts, spec=spec, canvas=canvas)
    assert records[0].train_loss != others[0].train_loss


def test_the_test_split_decides_nothing():
    task = tiny.task()
    flipped = Task(task.info, task.train, task.val, tiny.split("another", 18))
    one, other = run(tiny.Generator, task), run(tiny.Generator, flipped)
    strip = [[{**vars(r), "seconds": 0} for r in records] for records in (one[0], other[0])]
    assert strip[0] == strip[1]
    assert one[1].val == other[1].val


class Told(tiny.Probe):
    """Keeps the texts of its classes."""

    texts: ClassVar[list[tuple[str, ...]]] = []

    def __init__(self, *, classes, template, **rest):
        self.texts.append(tuple(template.format(name) for name in classes))
        super().__init__(classes=classes, template=template, **rest)


def asking(module, **protocol):
    spec = tiny.spec(module)
    return spec.model_copy(update={"protocol": Protocol(**protocol)})


def test_a_few_shot_trial_trains_on_its_subset_alone():
    spec, task = asking(tiny.Generator, shots=2), tiny.task()
    chosen = subset(task, spec.protocol, spec.seed)
    records, result = run(tiny.Generator, spec=spec)
    assert (len(chosen.train), result.val.n, result.test.n) == (6, 6, 18)
    for split in ("train", "val", "test"):
        assert result.provenance[f"{split}_digest"] == getattr(chosen, split).digest()
    plain = asking(tiny.Generator)
    trained = [one.train_loss for one in records]
    assert trained == [one.train_loss for one in run(tiny.Generator, chosen, spec=plain)[0]]
    assert "fewer_than_shots" not in result.provenance


def test_classes_with_fewer_images_than_shots_are_recorded():
    spec = asking(tiny.Generator, shots=13)
    _, result = run(tiny.Generator, spec=spec)  # 37 images: 13 red, 12 green, 12 blue
    assert result.provenance["fewer_than_shots"] == "green, blue"


def test_a_fraction_of_train_leaves_val_whole():
    _, result = run(tiny.Generator, spec=asking(tiny.Generator, data_fraction=0.25))
    assert (result.val.n, result.test.n) == (12, 18)
    task = tiny.task()
    quarter = subset(task, Protocol(data_fraction=0.25), 0).train
    assert len(quarter) == 9
    assert result.provenance["train_digest"] == quarter.digest()
    assert result.provenance["val_digest"] == task.val.digest()


def test_the_method_is_built_with_the_template_that_is_asked_for(tmp_path):
    task = tiny.task()
    task = replace(task, info=replace(task.info, templates={"coop": "a kind of {}."}))
    Told.texts.clear()
    for template in ("", "coop", "{}?"):
        run(Told, task, spec=asking(Told, template=template), keep=tmp_path / "kept")
        (*_, told) = Told.texts
        template, text = {
            "": ("a {}", "a red"),
            "coop": ("a kind of {}.", "a kind of red."),
            "{}?": ("{}?", "red?"),
        }[template]
        assert told[0] == text
        assert trained.read(tmp_path / "kept").template == template
    with pytest.raises(InputError, match="template of task 'colours': 'coop'"):
        run(Told, spec=asking(Told, template="coop"))


def test_the_time_of_a_trial_is_that_of_its_subset():
    counted = tiny.TinyBackbone()
    for spec in (asking(tiny.Prompts), asking(tiny.Prompts, shots=1)):
        before = counted.images_seen
        seconds = probe_seconds(
            spec,
            plugin=tiny.plugin(tiny.Prompts),
            backbone=counted,
            task=tiny.task(),
            device=CPU,
        )
        assert seconds > 0
        few = counted.images_seen - before
    assert few == 2 * (3 + 3), "two epochs of three images of train and three of val"
