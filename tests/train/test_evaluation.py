import pytest
import torch
from torch import nn

from sweeper.tasks.task import Split, Task, TaskInfo
from sweeper.train.evaluation import by_part, evaluate
from sweeper.train.inputs import Inputs, prepare

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
        inputs = Inputs(split.images, split.labels, lambda values: values, CPU)
        return evaluate(nn.Identity(), inputs)

    whole = score(Split(logits, labels))
    read.clear()
    test, measured = by_part(score, joint({"a": range(70), "b": range(70, 90)}, logits, labels))
    hits = (logits.argmax(1) == labels).float()
    assert measured == {
        "test/acc/a": pytest.approx(hits[:70].mean().item()),
        "test/acc/b": pytest.approx(hits[70:].mean().item()),
    }
    assert measured["test/acc/a"] != measured["test/acc/b"]
    assert (test.acc, test.n) == (whole.acc, whole.n)
    assert test.loss == pytest.approx(whole.loss)
    assert sum(read) == 90
    assert by_part(score, joint({}, logits, labels)) == (whole, {})


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
