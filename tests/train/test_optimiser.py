import torch
from torch import nn

from sweeper.spec.trial import Recipe
from sweeper.train.optimiser import optimiser


def stepped(**settings):
    """Weight and bias, both of ones, after one step with no gradient."""
    layer = nn.Linear(2, 2)
    for parameter in layer.parameters():
        nn.init.ones_(parameter)
        parameter.grad = torch.zeros_like(parameter)
    optimiser(layer.parameters(), Recipe(lr=0.5, **settings)).step()
    return layer.weight[0, 0].item(), layer.bias[0].item()


def test_weight_decay_spares_tensors_of_one_axis():
    for name in ("sgd", "adamw"):
        weight, bias = stepped(optimizer=name, weight_decay=0.1)
        assert abs(weight - 0.95) < 1e-6
        assert bias == 1.0


def test_the_recipe_chooses_the_optimiser_and_its_momentum():
    parameters = [nn.Parameter(torch.ones(2, 2))]
    assert isinstance(optimiser(parameters, Recipe(optimizer="adamw")), torch.optim.AdamW)
    sgd = optimiser(parameters, Recipe(optimizer="sgd", momentum=0.7))
    assert isinstance(sgd, torch.optim.SGD)
    assert sgd.param_groups[0]["momentum"] == 0.7
