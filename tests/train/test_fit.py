import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from sweeper.errors import CheckpointError, DivergedError, InputError
from sweeper.spec.trial import Protocol
from sweeper.tasks.task import Split, Task
from sweeper.train.checkpoint import read, write
from sweeper.train.evaluation import evaluate
from sweeper.train.fit import fit
from sweeper.train.inputs import prepare
from sweeper.train.state import load_state, state_of

from . import tiny

CPU = torch.device("cpu")


def setting(**changes):
    return {
        "recipe": tiny.recipe(),
        "protocol": Protocol(),
        "preprocessing": tiny.PREPROCESSING,
        "seed": 7,
        "device": CPU,
        **changes,
    }


def trained(module, task=None, **changes):
    method = tiny.method(module)
    records = list(fit(method, task or tiny.task(), **setting(**changes)))
    return method, records


def same(records, others):
    """Equal in all but the clock."""
    strip = [[{**vars(r), "seconds": 0} for r in found] for found in (records, others)]
    return strip[0] == strip[1]


def same_state(one, other):
    ours, theirs = state_of(one), state_of(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


@pytest.mark.parametrize(
    ("module", "lr"), [(tiny.Prompts, 0.2), (tiny.Probe, 0.2), (tiny.Generator, 0.01)]
)
def test_training_learns_the_task(module, lr):
    _, records = trained(module, recipe=tiny.recipe(epochs=12, lr=lr))
    assert [r.epoch for r in records] == list(range(1, 13))
    assert records[-1].train_loss < 0.7 * records[0].train_loss
    assert records[-1].val_acc > 0.6


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    one, records = trained(tiny.Generator)
    torch.rand(3)
    other, again = trained(tiny.Generator)
    assert same(records, again)
    assert same_state(one, other)
    third, _ = trained(tiny.Generator, seed=8)
    assert not same_state(one, third)


def test_a_step_of_sgd_is_what_the_formula_says():
    """One epoch by hand: normalise, cross-entropy, one step a batch, the batches of `order`."""
    from sweeper.train.order import batches

    method, (record,) = trained(tiny.Prompts, recipe=tiny.recipe(epochs=1, momentum=0.0))
    ours, task = tiny.method(tiny.Prompts), tiny.task()
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.5, 0.4, 0.3), (0.2, 0.25, 0.3)))
    total, hits = 0.0, 0
    for index in batches(37, 8, seed=7, epoch=0):
        logits = ours((task.train.images[index] / 255 - mean) / std)
        labels = task.train.labels[index]
        loss = nn.functional.cross_entropy(logits, labels)
        (slope,) = torch.autograd.grad(loss, ours.prompts)
        ours.prompts.data -= 0.05 * slope
        total, hits = total + loss.item() * len(index), hits + (logits.argmax(1) == labels).sum()
    torch.testing.assert_close(method.prompts, ours.prompts)
    assert record.train_loss == pytest.approx(total / 37, rel=1e-5)
    assert record.train_acc == pytest.approx(hits.item() / 37)
    assert record.step == 5


def test_the_global_random_stream_is_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    trained(tiny.Generator)
    assert torch.equal(torch.rand(4), expected)


class Noisy(tiny.Prompts):
    """Notes what dropout would draw in each training batch."""

    def forward(self, images):
        if self.training:
            self.draws = [*getattr(self, "draws", []), torch.rand(1).item()]
        return super().forward(images)


def test_dropout_draws_anew_in_each_epoch_and_the_same_again_in_another_run():
    one, other = trained(Noisy)[0], trained(Noisy)[0]
    assert one.draws == other.draws
    assert len(set(one.draws)) == 4 * 5


@pytest.mark.parametrize("changes", [{}, {"optimizer": "adamw", "lr": 0.01, "weight_decay": 0.1}])
@pytest.mark.parametrize("selection", ["last", "best_val"])
@pytest.mark.parametrize("kill", [1, 3])
def test_a_killed_trial_ends_with_the_bits_of_an_undisturbed_one(
    tmp_path, changes, selection, kill
):
    """BatchNorm statistics, momenta, dropout and the best epoch go on where they stood."""
    own = {"recipe": tiny.recipe(epochs=5, **changes), "protocol": Protocol(selection=selection)}
    whole, expected = trained(tiny.Generator, **own)

    path = tmp_path / "trial"
    save = lambda checkpoint: write(checkpoint, path, "id")  # noqa: E731
    records = fit(tiny.method(tiny.Generator), tiny.task(), **setting(save=save, **own))
    first = [next(records) for _ in range(kill + 1)]  # the last one is taken but not saved
    records.close()

    method = tiny.method(tiny.Generator, seed=99)  # everything must come from the file
    rest = list(fit(method, tiny.task(), **setting(resume=read(path, "id"), **own)))
    assert same(first[:kill] + rest, expected)
    assert same_state(method, whole)


def test_a_checkpoint_that_does_not_fit_is_refused(tmp_path):
    path = tmp_path / "trial"
    save = lambda checkpoint: write(checkpoint, path, "id")  # noqa: E731
    trained(tiny.Prompts, save=save)
    with pytest.raises(CheckpointError, match="lacks 'trunk"):
        trained(tiny.Generator, resume=read(path, "id"))


def test_frozen_features_are_computed_once():
    method = tiny.method(tiny.Probe)
    list(fit(method, tiny.task(), **setting(recipe=tiny.recipe(epochs=6))))
    assert method._backbone[0].images_seen == 37 + 12


class UncachedProbe(tiny.Parts):
    """The same probe, with no features to cache."""

    build = tiny.Probe.build

    def forward(self, images):
        return self.head(self._backbone[0].encode_image(images))


def test_training_on_frozen_features_equals_training_on_images():
    cached, records = trained(tiny.Probe)
    plain, others = trained(UncachedProbe)
    assert plain._backbone[0].images_seen == 4 * (37 + 12)
    torch.testing.assert_close(cached.head.weight, plain.head.weight)
    assert records[-1].val_loss == pytest.approx(others[-1].val_loss, rel=1e-5)


def test_best_val_keeps_the_first_of_the_best_epochs():
    task = tiny.task()
    own = {"recipe": tiny.recipe(epochs=8, lr=2.0), "protocol": Protocol(selection="best_val")}
    method, records = trained(tiny.Prompts, task, **own)
    best = max(records, key=lambda r: (r.val_acc, -r.epoch))
    assert best.epoch < 8, "the setting no longer has its best epoch before the last"
    val = prepare(method, task.val, preprocessing=tiny.PREPROCESSING, device=CPU, precision="fp32")
    score = evaluate(method, val)
    assert (score.acc, score.loss) == (best.val_acc, pytest.approx(best.val_loss))
    last, _ = trained(tiny.Prompts, task, recipe=own["recipe"])
    assert not same_state(last, method)


def test_train_and_val_can_be_trained_on_together():
    task = tiny.task()
    joined = Split(
        torch.cat([task.train.images, task.val.images]),
        torch.cat([task.train.labels, task.val.labels]),
    )
    one, _ = trained(tiny.Prompts, task, protocol=Protocol(train_on="train+val"))
    other, _ = trained(tiny.Prompts, Task(task.info, joined, task.val, task.test))
    assert same_state(one, other)


def test_selecting_on_images_that_were_trained_on_is_refused():
    with pytest.raises(InputError, match=r"best_val with train_on: train\+val"):
        trained(tiny.Prompts, protocol=Protocol(selection="best_val", train_on="train+val"))


@pytest.mark.parametrize("selection", ["last", "best_val"])
def test_test_images_are_never_read_unless_they_are_selected_on(selection):
    task = tiny.task()
    poisoned = Task(task.info, task.train, task.val, None)
    trained(tiny.Prompts, poisoned, protocol=Protocol(selection=selection))
    with pytest.raises(AttributeError):
        trained(tiny.Prompts, poisoned, protocol=Protocol(selection="best_test"))


def test_best_test_keeps_the_first_of_the_epochs_that_test_best():
    """As the best epoch on val, had val been test."""
    task = tiny.task()
    swapped = Task(task.info, task.train, task.test, task.val)
    own = {"recipe": tiny.recipe(epochs=8, lr=0.5), "seed": 4}  # best on val 3, on test 7, last 8
    method, records = trained(tiny.Prompts, task, **own, protocol=Protocol(selection="best_test"))
    expected, _ = trained(tiny.Prompts, swapped, **own, protocol=Protocol(selection="best_val"))
    assert same_state(method, expected)
    for other in ("last", "best_val"):
        left, others = trained(tiny.Prompts, task, **own, protocol=Protocol(selection=other))
        assert same(records, others), "what is recorded stays val"
        assert not same_state(method, left)


def test_best_test_tells_images_apart_among_the_test_classes_only():
    task = tiny.task()
    task = replace(task, info=replace(task.info, test_classes=(0, 2)))
    few = (task.test.labels == 0) | (task.test.labels == 2)
    task = replace(task, test=Split(task.test.images[few], task.test.labels[few]))
    own = {"recipe": tiny.recipe(epochs=8, lr=0.5), "seed": 0}
    states = []
    trained(tiny.Prompts, task, **own, save=lambda at: states.append(cloned(at.state)))
    test = partial(prepare, preprocessing=tiny.PREPROCESSING, device=CPU, precision="fp32")

    def scores(among):
        method = tiny.method(tiny.Prompts)
        found = []
        for state in states:
            load_state(method, state)
            found.append(evaluate(method, test(method, task.test), among=among).acc)
        return found

    best = max(range(8), key=scores((0, 2)).__getitem__)
    assert best != max(range(8), key=scores(()).__getitem__), "else this test could not fail"
    method, _ = trained(tiny.Prompts, task, **own, protocol=Protocol(selection="best_test"))
    assert all(torch.equal(value, states[best][name]) for name, value in state_of(method).items())


def cloned(state):
    return {name: value.clone() for name, value in state.items()}


def test_augmented_images_are_trained_on_and_plain_ones_validated_on():
    recipe = tiny.recipe(augmentation="flip")
    method, records = trained(tiny.Prompts, recipe=recipe)
    plain, others = trained(tiny.Prompts)
    assert not same_state(method, plain)
    assert records[0].train_loss != others[0].train_loss
    task = tiny.task()
    val = prepare(method, task.val, preprocessing=tiny.PREPROCESSING, device=CPU, precision="fp32")
    assert evaluate(method, val).acc == records[-1].val_acc
    again, _ = trained(tiny.Prompts, recipe=recipe)
    assert same_state(method, again)


def test_features_of_augmented_images_are_not_kept():
    recipe = tiny.recipe(augmentation="flip")
    method, records = trained(tiny.Probe, recipe=recipe)
    assert method._backbone[0].images_seen == 4 * 37 + 12
    plain, others = trained(UncachedProbe, recipe=recipe)
    torch.testing.assert_close(method.head.weight, plain.head.weight)
    assert records[-1].train_loss == pytest.approx(others[-1].train_loss, rel=1e-5)


class Exploding(tiny.Prompts):
    """Infinite logits from the fourth training batch on."""

    def forward(self, images):
        self.calls = getattr(self, "calls", 0) + self.training
        logits = super().forward(images)
        return logits * math.inf if self.calls >= 4 else logits


def test_a_loss_that_is_not_finite_ends_the_trial_with_its_step_and_rate():
    method = tiny.method(Exploding)
    with pytest.raises(DivergedError, match=r"at step 3 under learning rate 0\.05") as caught:
        list(fit(method, tiny.task(), **setting(recipe=tiny.recipe(schedule="constant"))))
    assert caught.value.step == 3
    assert method.prompts.isfinite().all(), "no step may be taken with such a loss"


def test_bf16_differs_a_little_from_fp32():
    _, single = trained(tiny.Prompts)
    _, half = trained(tiny.Prompts, protocol=Protocol(precision="bf16"))
    assert half[-1].train_loss != single[-1].train_loss
    assert half[-1].train_loss == pytest.approx(single[-1].train_loss, rel=0.1)


def test_the_last_batch_of_one_image_is_no_trouble_for_batchnorm():
    task = tiny.task()
    nine = Task(task.info, Split(task.train.images[:9], task.train.labels[:9]), task.val, task.test)
    _, records = trained(tiny.Generator, nine)
    assert records[0].step == 1


def test_a_schedule_of_steps_sets_the_rate_anew_at_each_step():
    """One epoch by hand under a warm-up over 3 epochs: rate 0 first, and no two alike."""
    from sweeper.train.order import batches

    recipe = tiny.recipe(epochs=4, momentum=0.0, lr=0.3, warmup_epochs=3, schedule="spt_official")
    saved = []
    save = lambda checkpoint: saved.append(checkpoint.state["prompts"].clone())  # noqa: E731
    _, records = trained(tiny.Prompts, recipe=recipe, save=save)
    ours, task = tiny.method(tiny.Prompts), tiny.task()
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.5, 0.4, 0.3), (0.2, 0.25, 0.3)))
    for step, index in enumerate(batches(37, 8, seed=7, epoch=0)):
        logits = ours((task.train.images[index] / 255 - mean) / std)
        loss = nn.functional.cross_entropy(logits, task.train.labels[index])
        (slope,) = torch.autograd.grad(loss, ours.prompts)
        ours.prompts.data -= 0.02 * step * slope
    torch.testing.assert_close(saved[0], ours.prompts.detach())
    assert [r.lr for r in records[:3]] == pytest.approx([0.08, 0.18, 0.28]), "of the last step"


def test_a_divergence_tells_the_rate_of_its_step():
    recipe = tiny.recipe(lr=2.0, schedule="vp_official")
    with pytest.raises(DivergedError, match=r"at step 3 under learning rate 0\.008"):
        trained(Exploding, recipe=recipe)
