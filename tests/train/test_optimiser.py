import pytest
import torch
from torch import nn

from sweeper.errors import InputError
from sweeper.spec.trial import Recipe
from sweeper.train.optimiser import optimiser


class Apart(nn.Linear):
    """Has weight decays of its own."""

    decays = {}  # noqa: RUF012

    def weight_decays(self):
        return self.decays


def stepped(decays=None, **settings):
    """Weight and bias, both of ones, after one step with no gradient."""
    layer = nn.Linear(2, 2) if decays is None else Apart(2, 2)
    layer.decays = decays
    for parameter in layer.parameters():
        nn.init.ones_(parameter)
        parameter.grad = torch.zeros_like(parameter)
    optimiser(layer, Recipe(lr=0.5, **settings)).step()
    return layer.weight[0, 0].item(), layer.bias[0].item()


def test_weight_decay_spares_tensors_of_one_axis():
    for name in ("sgd", "adamw"):
        weight, bias = stepped(optimizer=name, weight_decay=0.1)
        assert abs(weight - 0.95) < 1e-6
        assert bias == 1.0


def test_the_recipe_chooses_the_optimiser_and_its_momentum():
    layer = nn.Linear(2, 2)
    assert isinstance(optimiser(layer, Recipe(optimizer="adamw")), torch.optim.AdamW)
    sgd = optimiser(layer, Recipe(optimizer="sgd", momentum=0.7))
    assert isinstance(sgd, torch.optim.SGD)
    assert sgd.param_groups[0]["momentum"] == 0.7


@pytest.mark.parametrize("name", ["sgd", "adamw"])
@pytest.mark.parametrize(
    ("decays", "weight", "bias"),
    [({"bias": 0.4}, 0.95, 0.8), ({"weight": 0.0}, 1.0, 1.0), ({"weight": 1.0}, 0.5, 1.0)],
)
def test_a_named_parameter_decays_as_the_method_says_and_the_others_as_before(
    name, decays, weight, bias
):
    found = stepped(decays, optimizer=name, weight_decay=0.1)
    assert found == pytest.approx((weight, bias), abs=1e-6)


def test_a_named_parameter_that_is_not_trained_is_left_alone():
    layer = Apart(2, 2)
    layer.bias.requires_grad_(False)
    layer.decays = {"bias": 0.4}
    (group,) = optimiser(layer, Recipe()).param_groups
    assert [p is layer.weight for p in group["params"]] == [True]


def test_all_wrong_weight_decays_are_told_at_once():
    with pytest.raises(InputError) as caught:
        stepped({"wieght": 0.1, "bias": -1.0, "weight": float("nan")})
    told = [str(problem) for problem in caught.value.problems]
    assert len(told) == 3
    assert "no parameter 'wieght'" in told[0]
    assert "Did you mean 'weight'?" in told[0]
    assert "'bias': -1.0" in told[1]
    assert "'weight': nan" in told[2]
    assert all("test_optimiser.py, weight_decays()" in line for line in told)
