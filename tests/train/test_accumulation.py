"""A trial that runs out of memory: the same steps from smaller pieces, and the record says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sweeper.records import EpochRecord, TrialResult, TrialStatus
from sweeper.spec.trial import Protocol
from sweeper.tasks.task import Split, Task
from sweeper.train import tensor_file
from sweeper.train.accumulation import Attempts, micro_batches, most_micro_batches, smallest
from sweeper.train.checkpoint import Checkpoint, read
from sweeper.train.epoch import train_epoch
from sweeper.train.fit import fit
from sweeper.train.inputs import Inputs
from sweeper.train.order import batches
from sweeper.train.probe import probe_seconds
from sweeper.train.shard import WHOLE, Shard
from sweeper.train.trial import run_trial

from . import tiny

CPU = torch.device("cpu")


class Room:
    """A GPU that holds `images` of a training batch."""

    images = 1000


def full(part: Tensor, method: nn.Module) -> None:
    if method.training and len(part) > Room.images:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


class Prompts(tiny.Prompts):
    def forward(self, images: Tensor) -> Tensor:
        logits = super().forward(images)
        full(images, self)
        return logits


class Generator(tiny.Generator):
    def forward(self, images: Tensor) -> Tensor:
        logits = super().forward(images)
        full(images, self)
        return logits


class Late(Prompts):
    """Memory runs out in the third epoch, when 12 of 20 batches are through."""

    def forward(self, images: Tensor) -> Tensor:
        self.calls = getattr(self, "calls", 0) + self.training
        return super().forward(images) if self.calls > 12 else tiny.Prompts.forward(self, images)


@pytest.fixture(autouse=True)
def _room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Room, "images", 1000)


def run(module: Any, room: int, **settings: Any) -> tuple[list[EpochRecord], TrialResult]:
    Room.images = room
    spec = settings.pop("spec", None) or tiny.spec(module)
    steps = run_trial(
        spec,
        plugin=tiny.plugin(module),
        backbone=tiny.TinyBackbone(),  # type: ignore[arg-type]
        task=settings.pop("task", None) or tiny.task(),
        device=CPU,
        **settings,
    )
    records = []
    while True:
        try:
            records.append(next(steps))
        except StopIteration as end:
            return records, end.value


def trained(accumulation: int) -> Tensor:
    """The prompts after four epochs of AdamW."""
    method = tiny.method(tiny.Prompts)
    epochs = fit(
        method,
        tiny.task(),
        recipe=tiny.recipe(optimizer="adamw", lr=0.01, weight_decay=0.1),
        protocol=Protocol(),
        preprocessing=tiny.PREPROCESSING,
        seed=7,
        device=CPU,
        accumulation=accumulation,
    )
    list(epochs)
    return method.prompts.detach()


def double(accumulation: int) -> tuple[Tensor, Tensor, list[tuple[float, float]]]:
    """Prompts, their last gradient, losses and accuracies of three epochs in float64."""
    method = tiny.method(tiny.Prompts).double()
    backbone = method._backbone[0]
    backbone.patch, backbone.project = backbone.patch.double(), backbone.project.double()
    split = tiny.task().train
    pixels = split.images.double() / 99 - 1
    inputs = Inputs(pixels, split.labels, method, CPU)
    steps = torch.optim.SGD(method.parameters(), lr=0.05, momentum=0.9)
    tallies = []
    for epoch in range(3):
        cut = batches(37, 8, seed=7, epoch=epoch)
        rates = [0.05] * len(cut)
        tally = train_epoch(
            method, inputs, cut, steps, rates, step=0, shard=WHOLE, accumulation=accumulation
        )
        tallies.append(tally)
    return method.prompts.detach(), method.prompts.grad, tallies


@pytest.mark.parametrize("accumulation", [2, 3, 8])
def test_in_float64_micro_batches_are_the_batch_to_the_last_digits(accumulation: int) -> None:
    (whole, slope, tallies), (parts, other, others) = double(1), double(accumulation)
    assert whole.dtype == torch.float64
    assert (whole - tiny.method(tiny.Prompts).prompts).abs().max().item() > 1e-2
    assert (whole - parts).abs().max().item() < 1e-12
    assert (slope - other).abs().max().item() < 1e-12
    for (loss, acc), (other_loss, other_acc) in zip(tallies, others, strict=True):
        assert loss == pytest.approx(other_loss, rel=1e-6)
        assert acc == other_acc


@pytest.mark.parametrize("accumulation", [2, 8])
def test_training_in_micro_batches_ends_where_training_in_batches_does(accumulation: int) -> None:
    torch.testing.assert_close(trained(1), trained(accumulation), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("room", "expected"), [(5, 2), (4, 2), (3, 4), (1, 8)])
def test_a_trial_out_of_memory_ends_as_an_undisturbed_one_and_says_how(
    room: int, expected: int
) -> None:
    plain, undisturbed = run(tiny.Prompts, 1000)
    records, result = run(Prompts, room)
    assert result.status is TrialStatus.FINISHED
    assert result.measured == {"accumulation": expected}
    assert undisturbed.measured == {}
    assert [r.epoch for r in records] == [1, 2, 3, 4]
    for ours, theirs in zip(records, plain, strict=True):
        assert ours.train_loss == pytest.approx(theirs.train_loss, rel=1e-4)
        assert (ours.step, ours.lr) == (theirs.step, theirs.lr)
    assert result.test.acc == undisturbed.test.acc
    assert result.test.loss == pytest.approx(undisturbed.test.loss, rel=1e-4)


def test_memory_that_runs_out_late_tells_no_epoch_twice_and_starts_over() -> None:
    records, result = run(Late, 3)
    assert [r.epoch for r in records] == [1, 2, 3, 4]
    assert result.measured == {"accumulation": 4}
    _, undisturbed = run(tiny.Prompts, 1000)
    assert result.test.loss == pytest.approx(undisturbed.test.loss, rel=1e-4)


def test_it_goes_on_from_what_was_last_saved(tmp_path: Path) -> None:
    path = tmp_path / "trial"
    seen: list[int] = []

    class Counted(Late):
        def forward(self, images: Tensor) -> Tensor:
            seen.append(len(images))
            return super().forward(images)

    records, result = run(Counted, 3, checkpoint=path, save_every=0.0)
    assert [r.epoch for r in records] == [1, 2, 3, 4]
    found = read(path, tiny.spec(Counted).id)
    assert (found.epoch, found.accumulation) == (4, 4)
    assert result.measured == {"accumulation": 4}
    whole = [size for size in seen if size == 8]
    assert len(whole) == 4 + 4 + 3, "the first two epochs ran again, or the failed one did not"


def test_a_killed_trial_keeps_its_micro_batches(tmp_path: Path) -> None:
    path = tmp_path / "trial"
    Room.images = 3
    steps = run_trial(
        tiny.spec(Generator),
        plugin=tiny.plugin(Generator),
        backbone=tiny.TinyBackbone(),  # type: ignore[arg-type]
        task=tiny.task(),
        device=CPU,
        checkpoint=path,
        save_every=0.0,
    )
    for _ in range(3):
        next(steps)
    steps.close()
    _, resumed = run(Generator, 1000, checkpoint=path, save_every=0.0)
    _, whole = run(Generator, 3)
    assert resumed.measured == whole.measured == {"accumulation": 4}
    assert resumed.test == whole.test


def test_a_checkpoint_from_before_there_were_micro_batches_is_read(tmp_path: Path) -> None:
    header = {"version": 1, "trial": "t", "epoch": 1, "step": 2, "seconds": 3.0, "best_acc": None}
    tensor_file.write(tmp_path / "old", {"state:a": torch.ones(1)}, header)
    assert read(tmp_path / "old", "t").accumulation == 1


def test_one_image_that_does_not_fit_fails_the_trial() -> None:
    with pytest.raises(torch.OutOfMemoryError, match=r"2\.00 GiB"):
        run(Prompts, 0)


def test_batchnorm_never_sees_one_image_by_itself() -> None:
    """It would have nothing to normalise: five images are cut into three and two."""
    _, result = run(Generator, 3)
    assert result.measured == {"accumulation": 4}
    with pytest.raises(torch.OutOfMemoryError):
        run(Generator, 2)


def test_a_divergence_in_micro_batches_is_marked_too() -> None:
    class Diverging(Prompts):
        def forward(self, images: Tensor) -> Tensor:
            return super().forward(images) * torch.inf

    _, result = run(Diverging, 4)
    assert result.status is TrialStatus.DIVERGED
    assert result.measured == {"accumulation": 2}


def test_several_workers_do_not_try_again_one_by_one() -> None:
    """The others would wait for the one that did: all fail, and the trial with them."""
    calls: list[int] = []

    def fails(*, resume: Checkpoint | None, accumulation: int) -> Iterator[EpochRecord]:
        assert resume is None
        calls.append(accumulation)
        raise torch.OutOfMemoryError("full")

    method = tiny.method(tiny.Prompts)
    most = most_micro_batches(method, tiny.task(), 8, Shard(0, 2))
    with pytest.raises(torch.OutOfMemoryError):
        list(Attempts(fails, method, lambda: None, most).records(None))
    assert calls == [1]


def test_micro_batches_are_all_of_the_batch_in_order_and_nearly_equal() -> None:
    for images in range(1, 14):
        for accumulation in (1, 2, 4, 8, 99):
            for least in (1, 2):
                parts = micro_batches(torch.arange(images), accumulation, least)
                assert torch.cat(parts).tolist() == list(range(images))
                sizes = [len(part) for part in parts]
                assert max(sizes) - min(sizes) <= 1
                assert min(sizes) >= min(least, images)
                assert len(parts) <= accumulation


def test_there_are_no_more_micro_batches_than_images() -> None:
    task = tiny.task()
    few = Task(task.info, Split(task.train.images[:3], task.train.labels[:3]), task.val, task.test)
    plain, norm = tiny.method(tiny.Prompts), tiny.method(tiny.Generator)
    assert (smallest(plain), smallest(norm)) == (1, 2)
    assert most_micro_batches(plain, task, 8, WHOLE) == 9  # a remainder of one image joins a batch
    assert most_micro_batches(norm, task, 8, WHOLE) == 4
    assert most_micro_batches(plain, few, 128, WHOLE) == 3 + 12


def test_workers_cut_their_own_part_of_a_batch() -> None:
    index = torch.arange(10)
    mine = [index[Shard(rank, 2).part(10)] for rank in range(2)]
    parts = [part for each in mine for part in micro_batches(each, 2, 1)]
    assert torch.cat(parts).tolist() == list(range(10))


def test_how_long_a_trial_takes_is_asked_in_micro_batches_too() -> None:
    Room.images = 3
    seconds = probe_seconds(
        tiny.spec(Prompts),
        plugin=tiny.plugin(Prompts),
        backbone=tiny.TinyBackbone(),  # type: ignore[arg-type]
        task=tiny.task(),
        device=CPU,
    )
    assert seconds > 0
