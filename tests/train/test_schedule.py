import pytest

from sweeper.spec.trial import Recipe
from sweeper.train.schedule import learning_rate


def rates(**settings):
    recipe = Recipe(**settings)
    return [learning_rate(recipe, epoch) for epoch in range(recipe.epochs)]


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


@pytest.mark.parametrize("schedule", ["cosine", "pgn_official", "constant"])
def test_a_run_may_be_all_warm_up(schedule):
    assert max(rates(lr=1.0, epochs=3, warmup_epochs=3, schedule=schedule)) <= 1.0
    assert max(rates(lr=1.0, epochs=3, warmup_epochs=9, schedule=schedule)) < 1.0
