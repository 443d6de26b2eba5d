"""Models built without memory hold, once filled, what the library's own have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import timm
import torch
from open_clip.model import CLIP
from torch import nn

from sweeper.backbones.meta import built, filled
from sweeper.errors import InputError
from tests.small_clip import CONFIG
from tests.small_networks import network

SMALL: dict[str, Callable[[], Any]] = {
    "clip": lambda: CLIP(**CONFIG),
    "rotary": lambda: network("eva"),
    "coca": lambda: network("coca"),
    "batch norms": lambda: network("resnet"),
    "relative positions": lambda: timm.create_model("test_vit4.r160_in1k"),
}


@pytest.mark.parametrize("name", SMALL)
def test_a_filled_model_has_the_weights_and_buffers_of_the_real_one(name: str) -> None:
    real = SMALL[name]()
    with torch.no_grad():
        for value in real.parameters():
            value.nan_to_num_()  # open_clip leaves one of CoCa's as the memory was
    empty = built(SMALL[name])
    assert all(value.is_meta for value in empty.parameters())
    model = filled(empty, real.state_dict(), "weights")
    expected = dict(real.named_parameters()) | dict(real.named_buffers())
    found = dict(model.named_parameters()) | dict(model.named_buffers())
    assert found.keys() == expected.keys()
    for key, value in found.items():
        assert torch.equal(value, expected[key]), key
    assert not model.training


def test_weights_of_half_precision_become_single_and_counters_stay_whole() -> None:
    state = network("resnet").half().state_dict()
    found = filled(built(lambda: network("resnet")), state, "weights").state_dict()
    assert {v.dtype for n, v in found.items() if "num_batches" not in n} == {torch.float32}
    assert found["bn1.num_batches_tracked"].dtype == torch.int64


def test_single_precision_is_not_copied() -> None:
    state = nn.Linear(2, 3).state_dict()
    model = filled(built(lambda: nn.Linear(2, 3)), state, "weights")
    assert model.weight.data_ptr() == state["weight"].data_ptr()


def test_all_that_does_not_fit_is_said_at_once() -> None:
    state = {f"more.{i}": torch.zeros(1) for i in range(5)} | {"0.weight": torch.zeros(4, 2)}
    with pytest.raises(InputError) as caught:
        filled(built(lambda: nn.Sequential(nn.Linear(2, 3))), state, "weights of it")
    said = [str(problem) for problem in caught.value.problems]
    assert said[0].startswith("weights of it: missing: 0.bias;")
    assert said[1].startswith("weights of it: beside them: more.0, more.1, more.2 and 2 more;")
    assert said[2].startswith("weights of it: other shapes: 0.weight (4, 2), not (3, 2);")
    assert len(said) == 3


def test_a_buffer_that_nobody_can_compute_is_no_silence() -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("secret", torch.ones(2), persistent=False)

    with pytest.raises(NotImplementedError, match="secret of Odd"):
        filled(built(Odd), {}, "weights")
