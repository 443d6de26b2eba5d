import math
from functools import partial

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR

from sweeper.spec.trial import Recipe
from sweeper.train.schedule import learning_rate


def rates(**settings):
    """One value an epoch."""
    recipe = Recipe(**settings)
    return [learning_rate(recipe, epoch, 0, 1) for epoch in range(recipe.epochs)]


def step_rates(steps, **settings):
    """One value a step, `steps` an epoch."""
    recipe = Recipe(**settings)
    return [learning_rate(recipe, e, i, steps) for e in range(recipe.epochs) for i in range(steps)]


def simulated(lr, length, scheduler):
    """The rates that a scheduler of torch sets, one a call."""
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    setter, found = scheduler(optimiser), []
    for _ in range(length):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        setter.step()
    return found


def test_cosine_warms_up_to_the_peak_and_falls_towards_zero():
    found = rates(lr=1.0, epochs=6, warmup_epochs=2, schedule="cosine")
    assert found == pytest.approx([0.5, 1.0, 1.0, 0.853553, 0.5, 0.146447], abs=1e-6)


def test_cosine_without_warm_up_starts_at_the_peak():
    assert rates(lr=2.0, epochs=2, schedule="cosine") == pytest.approx([2.0, 1.0])


def test_pgn_official_repeats_its_first_value_and_stops_at_a_hundredth():
    found = rates(lr=1.0, epochs=8, warmup_epochs=4, schedule="pgn_official")
    warm, cold = found[:5], found[5:]
    assert warm == pytest.approx([0.25, 0.25, 0.5, 0.75, 1.0])
    assert cold == pytest.approx([0.855018, 0.505, 0.154982], abs=1e-6)


def test_pgn_official_floor_is_a_hundredth_of_the_peak():
    assert rates(lr=0.1, epochs=10_000, schedule="pgn_official")[-1] == pytest.approx(
        1e-3, rel=1e-3
    )


def test_constant_stays_at_the_peak_after_warm_up():
    found = rates(lr=0.4, epochs=4, warmup_epochs=2, schedule="constant")
    assert found == pytest.approx([0.2, 0.4, 0.4, 0.4])


@pytest.mark.parametrize("schedule", ["cosine", "pgn_official", "constant", "vpt_official"])
def test_a_run_may_be_all_warm_up(schedule):
    assert max(rates(lr=1.0, epochs=3, warmup_epochs=3, schedule=schedule)) <= 1.0
    assert max(rates(lr=1.0, epochs=3, warmup_epochs=9, schedule=schedule)) < 1.0


@pytest.mark.parametrize(
    "schedule", ["cosine", "pgn_official", "constant", "vpt_official", "coop_official"]
)
def test_a_rate_of_an_epoch_is_the_same_at_all_its_steps(schedule):
    settings = {"lr": 0.3, "epochs": 6, "warmup_epochs": 2, "schedule": schedule}
    assert step_rates(3, **settings) == [rate for rate in rates(**settings) for _ in range(3)]


def test_vpt_official_begins_at_zero_and_follows_its_cosine():
    found = rates(lr=1.0, epochs=8, warmup_epochs=4, schedule="vpt_official")
    assert found[0] == 0.0
    assert found == pytest.approx([0, 0.25, 0.5, 0.75, 1.0, 0.853553, 0.5, 0.146447], abs=1e-6)


def test_vpt_official_is_what_a_warm_up_and_torchs_cosine_set():
    """100 epochs, 10 of warm-up, as in VPT's runs on its base rate 2.5 * 64 / 256."""
    warm = simulated(0.625, 10, partial(LambdaLR, lr_lambda=lambda epoch: epoch / 10))
    cold = simulated(0.625, 90, partial(CosineAnnealingLR, T_max=90))
    found = rates(lr=0.625, epochs=100, warmup_epochs=10, schedule="vpt_official")
    assert found == pytest.approx(warm + cold, abs=1e-12)


def test_coop_official_is_a_constant_and_then_torchs_cosine_an_epoch_late():
    cosine = simulated(2e-3, 49, partial(CosineAnnealingLR, T_max=50))
    found = rates(lr=2e-3, epochs=50, warmup_epochs=7, schedule="coop_official")
    assert found == pytest.approx([1e-5, *cosine], abs=1e-12)
    assert [found[0], found[1], found[49]] == pytest.approx([1e-5, 2e-3, 7.885e-6], rel=1e-3)


def test_spt_official_moves_with_each_step_from_zero_to_its_floor():
    found = step_rates(4, lr=1.0, epochs=3, warmup_epochs=1, schedule="spt_official")
    warm, cold = found[:4], found[4:]
    assert warm == [0.0, 0.25, 0.5, 0.75]
    expected = [1.0, 0.961940, 0.853553, 0.691342, 0.5, 0.308658, 0.146447, 0.038060]
    assert cold == pytest.approx(expected, abs=1e-6)


def test_spt_official_is_what_torchs_cosine_with_a_floor_sets():
    """1000 images in batches of 32, 100 epochs, 10 of warm-up, rate 1e-3."""
    steps = 31
    cold = simulated(1e-3, 90 * steps, partial(CosineAnnealingLR, T_max=90 * steps, eta_min=1e-8))
    found = step_rates(steps, lr=1e-3, epochs=100, warmup_epochs=10, schedule="spt_official")
    assert found[: 10 * steps] == pytest.approx([1e-3 * s / 310 for s in range(310)])
    assert found[10 * steps :] == pytest.approx(cold, rel=1e-6)
    assert 1e-8 < found[-1] < 1.1e-8
    bare = step_rates(1, lr=2e-8, epochs=2, schedule="spt_official")
    assert bare == pytest.approx([2e-8, 1.5e-8]), "half way between the peak and the floor"


def test_vp_official_warms_up_for_a_thousand_steps_and_falls_to_zero():
    """12 epochs of 150 steps at VP's rate 40; the cosine spans 800 steps."""
    found = step_rates(150, lr=40.0, epochs=12, schedule="vp_official")
    assert found[:3] == pytest.approx([0.04, 0.08, 0.12])
    assert found[998:1001] == pytest.approx([39.96, 40.0, 40.0])
    assert [found[1200], found[1400], found[1600]] == pytest.approx([34.142136, 20.0, 5.857864])
    assert found[1000:] == pytest.approx(
        simulated(40.0, 800, partial(CosineAnnealingLR, T_max=800)), abs=1e-9
    )
    assert found[-1] == pytest.approx(40 * (1 - math.cos(math.pi / 800)) / 2)


@pytest.mark.parametrize(("epochs", "last"), [(10, 40.0), (3, 12.0)])
def test_vp_official_of_a_thousand_steps_or_fewer_is_all_warm_up(epochs, last):
    found = step_rates(100, lr=40.0, epochs=epochs, schedule="vp_official")
    assert found == pytest.approx([0.04 * (s + 1) for s in range(100 * epochs)])
    assert found[-1] == pytest.approx(last)


@pytest.mark.parametrize("schedule", ["vp_official", "coop_official"])
def test_vp_and_coop_have_warm_ups_of_their_own(schedule):
    settings = {"lr": 1.0, "epochs": 30, "schedule": schedule}
    assert step_rates(50, warmup_epochs=9, **settings) == step_rates(50, **settings)
