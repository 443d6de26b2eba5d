"""Methods that are trained in rounds."""

import pytest
import torch
from torch import nn

from sweeper.errors import InputError
from sweeper.records import EpochRecord
from sweeper.spec.trial import Protocol
from sweeper.tasks.task import Task
from sweeper.train import probe
from sweeper.train.checkpoint import read, write
from sweeper.train.fit import fit
from sweeper.train.state import state_of

from . import tiny
from .test_fit import CPU, same, same_state, setting, trained

OWN = {"recipe": tiny.recipe(epochs=3, lr=0.02, warmup_epochs=1)}


class Pruned(tiny.Generator):
    """Drops the third of its prompts' coordinates that matters least, and rewinds its weights."""

    rounds = 2

    def build(self, params, classes, seed):
        super().build(params, classes, seed)
        self.register_buffer("keep", torch.ones(params.length * tiny.WIDTH))
        self._first = {name: p.detach().clone() for name, p in self.named_parameters()}
        self.calls = []

    def forward(self, images):
        prompts = (self.trunk(images) * self.keep).view(len(images), -1, tiny.WIDTH)
        return self.score(self._backbone[0].encode_image(images, prompts))

    def next_round(self, own):
        self.calls.append({name: value.clone() for name, value in state_of(self).items()})
        self.mode = (self.training, torch.is_grad_enabled())
        loss = nn.functional.cross_entropy(self(own.read(torch.arange(len(own)))), own.labels)
        (slope,) = torch.autograd.grad(loss, self.trunk[-1].bias)
        with torch.no_grad():
            self.keep[slope.abs().argsort()[:8]] = 0
            for name, parameter in self.named_parameters():
                parameter.copy_(self._first[name])


def test_epochs_run_on_and_the_learning_rate_starts_anew():
    method, records = trained(Pruned, **OWN)
    assert [r.epoch for r in records] == [1, 2, 3, 4, 5, 6]
    assert [r.step for r in records] == [5, 10, 15, 20, 25, 30]
    assert [r.lr for r in records[:3]] == [r.lr for r in records[3:]]
    assert len({r.lr for r in records[1:3]}) == 2
    assert len(method.calls) == 1, "between the rounds only"
    assert method.mode == (False, True)
    assert method.keep.sum() == 16


def test_steps_are_counted_within_the_round():
    recipe = tiny.recipe(epochs=2, schedule="vp_official", lr=1.0)
    _, records = trained(Pruned, recipe=recipe)
    assert [r.lr for r in records] == pytest.approx([0.005, 0.010, 0.005, 0.010])


def test_each_round_has_its_own_batches():
    class Twice(tiny.Prompts):
        rounds = 2

        def next_round(self, own):  # noqa: ARG002
            with torch.no_grad():
                self.prompts.copy_(tiny.method(tiny.Prompts).prompts)

    _, (one, other) = trained(Twice, recipe=tiny.recipe(epochs=1))
    assert one.train_loss != other.train_loss


def test_the_optimiser_starts_anew():
    counts = []
    save = lambda checkpoint: counts.append(int(checkpoint.memory["trunk.0.weight/step"]))  # noqa: E731
    trained(Pruned, recipe=tiny.recipe(epochs=2, lr=0.01, optimizer="adamw"), save=save)
    assert counts == [5, 10, 5, 10]


def test_each_round_selects_its_own_best_epoch_and_the_next_goes_on_from_it():
    saved = []
    save = lambda c: saved.append((c.best_acc, {k: v.clone() for k, v in c.best.items()}))  # noqa: E731
    own = {"recipe": tiny.recipe(epochs=5, lr=0.03), "protocol": Protocol(selection="best_val")}
    method, records = trained(Pruned, save=save, **own)
    accs = [r.val_acc for r in records]
    assert [acc for acc, _ in saved] == [
        max(accs[:n] if n <= 5 else accs[5:n]) for n in range(1, 11)
    ]
    early = [accs.index(max(accs[start : start + 5]), start) for start in (0, 5)]
    assert max(early[0], early[1] - 5) < 4, "the setting no longer has best epochs before the last"
    assert max(accs[5:]) < max(accs[:5]), "the setting no longer tells the rounds apart"
    for found, (_, best) in ((method.calls[0], saved[4]), (state_of(method), saved[9])):
        assert found.keys() == best.keys()
        assert all(torch.equal(found[name], best[name]) for name in best)


@pytest.mark.parametrize("selection", ["last", "best_val"])
@pytest.mark.parametrize("kill", [1, 2, 3, 4, 5])
def test_a_trial_killed_in_any_round_ends_with_the_bits_of_an_undisturbed_one(
    tmp_path, selection, kill
):
    own = {**OWN, "protocol": Protocol(selection=selection)}
    whole, expected = trained(Pruned, **own)
    path = tmp_path / "trial"
    save = lambda checkpoint: write(checkpoint, path, "id")  # noqa: E731
    records = fit(tiny.method(Pruned), tiny.task(), **setting(save=save, **own))
    first = [next(records) for _ in range(kill + 1)]  # the last one is taken but not saved
    records.close()

    method = tiny.method(Pruned)
    rest = list(fit(method, tiny.task(), **setting(resume=read(path, "id"), **own)))
    assert len(method.calls) == (kill <= 3)
    assert same(first[:kill] + rest, expected)
    assert same_state(method, whole)


def test_a_trial_killed_after_its_last_epoch_has_no_further_round(tmp_path):
    path = tmp_path / "trial"
    whole, _ = trained(Pruned, save=lambda found: write(found, path, "id"), **OWN)
    method = tiny.method(Pruned)
    assert list(fit(method, tiny.task(), **setting(resume=read(path, "id"), **OWN))) == []
    assert method.calls == []
    assert same_state(method, whole)


def test_a_round_that_freezes_a_parameter_is_refused():
    class Freezing(Pruned):
        def next_round(self, own):  # noqa: ARG002
            self.trunk[-1].bias.requires_grad_(False)

    with pytest.raises(InputError, match=r"next_round\(\): it adds or freezes trunk.5.bias"):
        trained(Freezing, **OWN)


def test_a_probe_counts_every_round_and_trains_in_the_first_only(monkeypatch):
    taken = []

    def paced(*_, **settings):
        for epoch in range(settings["recipe"].epochs * Pruned.rounds):
            taken.append(epoch)
            yield EpochRecord(epoch + 1, 1, 0.1, 1.0, 0.5, 1.0, 0.5, 10.0**-epoch)

    monkeypatch.setattr(probe, "fit", paced)
    task = tiny.task()
    found = probe.probe_seconds(
        tiny.spec(Pruned, epochs=7, batch_size=5),
        plugin=tiny.plugin(Pruned),
        backbone=tiny.TinyBackbone(),
        task=Task(task.info, tiny.split("train", 30), task.val, task.test),
        device=CPU,
    )
    assert found == pytest.approx(0.1 * 2 * 7 * 2), "half of the images, 7 epochs, 2 rounds"
    assert taken == [0, 1]
