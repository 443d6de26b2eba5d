from dataclasses import replace

import pytest
import torch

from sweeper.errors import CheckpointError, InputError
from sweeper.records import TrialResult, TrialStatus
from sweeper.spec.trial import Protocol
from sweeper.tasks.task import Task
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
    assert {
        "train_digest",
        "val_digest",
        "device",
        "threads",
        "workers",
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
