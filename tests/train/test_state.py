import pytest
import torch

from sweeper.errors import CheckpointError
from sweeper.train.optimiser import optimiser
from sweeper.train.state import load_memory, load_state, memory_of, state_of, trainable

from . import tiny


def test_state_is_what_training_changes_and_no_frozen_parameter():
    method = tiny.method(tiny.Generator)
    method.trunk[0].weight.requires_grad_(False)
    names = state_of(method).keys()
    assert "trunk.0.weight" not in names
    assert {"trunk.0.bias", "trunk.1.running_mean", "trunk.1.num_batches_tracked"} <= names


def test_a_state_of_another_shape_names_every_mismatch():
    state = dict(state_of(tiny.method(tiny.Prompts, length=3)))
    state["extra"] = torch.ones(1)
    del state["text"]
    with pytest.raises(CheckpointError) as caught:
        load_state(tiny.method(tiny.Prompts, length=2), state)
    message = str(caught.value)
    assert "lacks 'text'" in message
    assert "no 'extra'" in message
    assert "'prompts' is (3, 12), expected (2, 12)" in message


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_an_optimiser_continues_from_its_memory(name):
    def step(method, steps):
        for index, parameter in enumerate(trainable(method).values()):
            parameter.grad = torch.full_like(parameter, index + 1.0)
        steps.step()

    methods = [tiny.method(tiny.Generator) for _ in range(2)]
    steps = [optimiser(m, tiny.recipe(optimizer=name)) for m in methods]
    for _ in range(3):
        step(methods[0], steps[0])
    load_state(methods[1], state_of(methods[0]))
    load_memory(steps[1], methods[1], memory_of(steps[0], methods[0]))
    for method, own in zip(methods, steps, strict=True):
        step(method, own)
    for key, value in state_of(methods[0]).items():
        assert torch.equal(value, state_of(methods[1])[key]), key


def test_a_memory_of_another_method_is_refused():
    method = tiny.method(tiny.Prompts)
    steps = optimiser(method, tiny.recipe())
    with pytest.raises(CheckpointError, match="'trunk/momentum_buffer' has no parameter"):
        load_memory(steps, method, {"trunk/momentum_buffer": torch.ones(2)})
    with pytest.raises(CheckpointError, match=r"shape \(2,\), its parameter \(2, 12\)"):
        load_memory(steps, method, {"prompts/momentum_buffer": torch.ones(2)})
