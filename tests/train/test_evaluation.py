import warnings
from dataclasses import replace

import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, f1_score
from torch import nn

from sweeper.records import METRICS
from sweeper.tasks.task import Split, Task, TaskInfo
from sweeper.train.evaluation import BESIDE, count, evaluate, on_test
from sweeper.train.inputs import Inputs, prepare
from sweeper.train.shard import Shard

from . import tiny

CPU = torch.device("cpu")


def test_score_is_top1_and_mean_cross_entropy_over_batches():
    torch.manual_seed(0)
    logits, labels = torch.randn(1203, 5), torch.randint(0, 5, (1203,))
    score = evaluate(nn.Identity(), Inputs(logits, labels, lambda values: values, CPU))
    assert score.n == 1203
    assert score.acc == pytest.approx((logits.argmax(1) == labels).float().mean().item())
    assert score.loss == pytest.approx(nn.functional.cross_entropy(logits, labels).item())


def test_evaluation_leaves_batchnorm_alone():
    method = tiny.method(tiny.Generator).train()
    before = method.trunk[1].running_mean.clone()
    split = tiny.split("val", 12)
    inputs = prepare(method, split, preprocessing=tiny.PREPROCESSING, device=CPU, precision="fp32")
    first = evaluate(method, inputs)
    assert torch.equal(method.trunk[1].running_mean, before)
    assert evaluate(method, inputs) == first, "dropout must be off"


def joint(parts: dict[str, range], logits: torch.Tensor, labels: torch.Tensor) -> Task:
    """A task whose test images are logits already."""
    info = TaskInfo("a+b", "d", "", ("x", "y", "z"), "{}", {"test": len(labels)}, parts=parts)
    nothing = Split(logits[:0], labels[:0])
    return Task(info, nothing, nothing, Split(logits, labels))


def test_the_accuracy_on_each_part_of_a_joint_task_is_measured_in_one_reading():
    torch.manual_seed(2)
    logits, labels = torch.randn(90, 3), torch.randint(0, 3, (90,))
    read = []

    def score(split):
        read.append(len(split))
        return counts(split.images, split.labels)

    whole = counts(logits, labels).score
    test, measured = on_test(score, joint({"a": range(70), "b": range(70, 90)}, logits, labels))
    hits = (logits.argmax(1) == labels).float()
    assert measured == {
        "test/acc/a": pytest.approx(hits[:70].mean().item()),
        "test/acc/b": pytest.approx(hits[70:].mean().item()),
    }
    assert measured["test/acc/a"] != measured["test/acc/b"]
    assert (test.acc, test.n) == (whole.acc, whole.n)
    assert test.loss == pytest.approx(whole.loss)
    assert sum(read) == 90
    assert on_test(score, joint({}, logits, labels)) == (whole, {})


def counts(logits: torch.Tensor, labels: torch.Tensor, **how):
    inputs = Inputs(logits, labels, lambda values: values, CPU)
    return count(nn.Identity(), inputs, **how)


@pytest.mark.parametrize("metric", sorted(BESIDE))
def test_the_metric_of_a_task_is_scikit_learns_over_the_classes_that_occur(metric):
    torch.manual_seed(3)
    logits, labels = torch.randn(1203, 9), torch.randint(0, 7, (1203,)) % 5 + 1
    logits[range(1203), labels] += 0.8  # some are right; classes 0, 6, 7 and 8 never occur
    reference = {
        "mean per class": lambda true, said: balanced_accuracy_score(true, said),
        "macro F1": lambda true, said: f1_score(
            true, said, average="macro", labels=sorted(set(true.tolist()))
        ),
    }
    task = joint({}, logits, labels)
    task = replace(task, info=replace(task.info, metric=metric))
    score, measured = on_test(lambda split: counts(split.images, split.labels, classes=9), task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of classes that are said and never occur
        expected = reference[metric](labels, logits.argmax(1))
    assert measured == {BESIDE[metric][0]: pytest.approx(expected)}
    assert set(measured) <= set(METRICS)
    assert score.acc != pytest.approx(expected)
    assert score == evaluate(nn.Identity(), Inputs(logits, labels, lambda values: values, CPU)), (
        "top-1 stays what it was"
    )


def test_the_sums_of_the_workers_are_those_of_one():
    torch.manual_seed(4)
    logits, labels = torch.randn(703, 6), torch.randint(0, 6, (703,))
    whole = counts(logits, labels, classes=6)

    class Alone(Shard):
        """Worker `rank` of three that is never answered by the others."""

        def sum(self, tensors):
            pass

    parts = [counts(logits, labels, classes=6, shard=Alone(rank, 3)) for rank in range(3)]
    assert torch.equal(sum(part.by_class for part in parts), whole.by_class)
    assert sum(part.hits for part in parts) == whole.hits
    none = counts(logits[:1], labels[:1], classes=6, shard=Alone(0, 3))
    assert torch.equal(none.by_class, torch.zeros(3, 6)), "a worker without an image"


def test_test_is_classified_among_its_own_classes():
    torch.manual_seed(5)
    among, logits = (1, 4, 6), torch.randn(300, 8)
    place = torch.randint(0, 3, (300,))
    labels = torch.tensor(among)[place]
    inner = logits[:, list(among)]
    found = counts(logits, labels, among=among, classes=8)
    assert found.score.acc == pytest.approx((inner.argmax(1) == place).float().mean().item())
    assert found.score.loss == pytest.approx(nn.functional.cross_entropy(inner, place).item())
    assert found.by_class[1].nonzero()[:, 0].tolist() == list(among)
    assert found.score.acc > counts(logits, labels).score.acc


def test_images_are_normalised_as_the_weights_want_them():
    seen = []

    class Spy(nn.Module):
        def forward(self, images):
            seen.append(images)
            return torch.zeros(len(images), 3)

    images = torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8)
    inputs = prepare(
        Spy(),
        Split(images, torch.zeros(4, dtype=torch.int64)),
        preprocessing=tiny.PREPROCESSING,
        device=CPU,
        precision="fp32",
    )
    inputs.batch(slice(0, 4))
    mean = torch.tensor(tiny.PREPROCESSING.mean).view(3, 1, 1)
    std = torch.tensor(tiny.PREPROCESSING.std).view(3, 1, 1)
    torch.testing.assert_close(seen[0], (images / 255 - mean) / std)
