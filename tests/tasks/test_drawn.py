import hashlib

import pytest
import torch

from sweeper.drawing.canvas import SIDE
from sweeper.tasks.drawn import DRAWN


@pytest.mark.parametrize("name", DRAWN)
def test_a_task_is_complete_and_the_same_every_time(name: str) -> None:
    task = DRAWN[name]
    torch.manual_seed(1)
    first = task.draw()
    torch.manual_seed(2)
    second = task.draw()
    assert list(first) == ["train", "val", "test"]
    seen: set[str] = set()
    for split, (images, labels) in first.items():
        assert images.dtype == torch.uint8
        assert labels.dtype == torch.int64
        assert images.shape == (len(labels), 3, SIDE, SIDE)
        assert set(labels.tolist()) == set(range(len(task.classes)))
        assert torch.equal(images, second[split][0])
        assert torch.equal(labels, second[split][1])
        own = {hashlib.sha256(image.numpy().tobytes()).hexdigest() for image in images}
        assert not own & seen, "an image is in two splits"
        seen |= own
    assert task.template.count("{}") == 1


def test_names_are_those_of_the_table() -> None:
    assert all(name == task.name for name, task in DRAWN.items())
    assert {"shapes", "digits", "sketches", "textures", "counting", "positions"} == set(DRAWN)
