"""The sampler speaks in trials; Optuna is real, Ray needs no cluster here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ray.tune.search import Searcher

from sweeper.errors import InputError, Problem
from sweeper.search.sampler import Sampler, distribution, draw_of
from sweeper.spec.plan import Search
from sweeper.spec.trial import Protocol, Recipe, TrialSpec

SPACE = {
    "lr": {"kind": "log_uniform", "low": 1e-4, "high": 1.0},
    "length": {"kind": "integers", "low": 1, "high": 64, "log": False},
    "trunk": {"kind": "choice", "values": ["none", "mlp"]},
}


def build(draw: Mapping[str, Any]) -> TrialSpec:
    """Without a trunk the length plays no part."""
    length = draw["length"] if draw.get("trunk", "mlp") == "mlp" else 0
    return TrialSpec(
        method="toy",
        params={"length": length, "trunk": draw.get("trunk", "mlp")},
        backbone="b",
        weights="w",
        task="t",
        data="d",
        recipe=Recipe(lr=draw.get("lr", 0.1)),
        protocol=Protocol(),
        seed=0,
    )


def search(space: Mapping[str, Any] = SPACE, **settings: Any) -> Search:
    return Search(base={}, space=dict(space), **settings)


def sampler(asked: Search, *, count: int = 100, ended: Any = (), make: Any = build) -> Sampler:
    return Sampler(asked, build=make, ended=ended, count=count, seed=0)


def drawn(found: Any) -> TrialSpec:
    return TrialSpec.model_validate_json(found["trial"])


def goodness(spec: TrialSpec) -> float:
    return 1 - abs(spec.params["length"] - 40) / 64


def run(one: Sampler, count: int) -> list[TrialSpec]:
    specs = []
    for number in range(count):
        found = one.suggest(f"t{number}")
        if found == Searcher.FINISHED:
            break
        specs.append(drawn(found))
        one.on_trial_complete(f"t{number}", {"val/acc": goodness(specs[-1])})
    return specs


def test_the_same_seed_draws_the_same_trials() -> None:
    first, second = (run(sampler(search()), 15) for _ in range(2))
    assert first == second


def test_tpe_learns_where_random_does_not() -> None:
    plain = {"length": SPACE["length"] | {"high": 1000}}

    def far(draw: Mapping[str, Any]) -> TrialSpec:
        return build({**draw, "length": draw["length"] / 15.6})

    tpe = run(sampler(search(plain, method="tpe"), make=far), 60)
    chance = run(sampler(search(plain, method="random"), make=far), 60)
    late = [sum(goodness(spec) for spec in specs[30:]) / 30 for specs in (tpe, chance)]
    assert late[0] > late[1] + 0.1


def test_no_trial_is_drawn_twice_and_a_spent_space_ends_the_search() -> None:
    space = {"length": {"kind": "integers", "low": 1, "high": 5, "log": False}}
    specs = run(sampler(search(space)), 50)
    assert sorted(spec.params["length"] for spec in specs) == [1, 2, 3, 4, 5]


def test_trials_of_earlier_launches_are_not_drawn_again() -> None:
    space = {"length": {"kind": "integers", "low": 1, "high": 5, "log": False}}
    ended = [(build({"length": length}), 0.5) for length in (1, 2, 3)]
    specs = run(sampler(search(space), ended=ended), 50)
    assert sorted(spec.params["length"] for spec in specs) == [4, 5]


def test_a_running_trial_is_not_drawn_again() -> None:
    space = {"length": {"kind": "integers", "low": 1, "high": 2, "log": False}}
    one = sampler(search(space))
    lengths = {drawn(one.suggest(key)).params["length"] for key in ("a", "b")}
    assert lengths == {1, 2}
    assert one.suggest("c") == Searcher.FINISHED


def test_the_number_of_trials_is_kept() -> None:
    assert len(run(sampler(search(), count=7), 50)) == 7


def test_what_ended_before_is_told_to_the_sampler() -> None:
    ended = [(build({"lr": 0.1, "length": n, "trunk": "mlp"}), 0.1 * n) for n in (1, 2, 3)]
    lost = (build({"lr": 0.2, "length": 9, "trunk": "mlp"}), None)
    other = (build({"lr": 50.0, "length": 9, "trunk": "mlp"}), 0.9)  # no draw makes this one
    told = sampler(search(), ended=[*ended, lost, other])._optuna._ot_study.trials
    assert [trial.value for trial in told] == pytest.approx([0.1, 0.2, 0.3, None])


def test_a_parameter_without_a_part_does_not_hide_the_draw() -> None:
    space = {name: distribution(plain) for name, plain in SPACE.items()}
    spec = build({"lr": 0.1, "length": 30, "trunk": "none"})
    found = draw_of(spec, space, build)
    assert found is not None
    assert build(found) == spec


def test_a_combination_that_cannot_be_is_drawn_anew() -> None:
    def picky(draw: Mapping[str, Any]) -> TrialSpec:
        if draw["length"] > 3:
            raise InputError(Problem("draw", "too long", "3 at most"))
        return build(draw)

    space = {"length": {"kind": "integers", "low": 1, "high": 6, "log": False}}
    specs = run(sampler(search(space), make=picky), 50)
    assert sorted(spec.params["length"] for spec in specs) == [1, 2, 3]


def test_a_space_in_which_nothing_can_be_says_why() -> None:
    def refuse(_draw: Mapping[str, Any]) -> TrialSpec:
        raise InputError(Problem("draw", "too long", "3 at most"))

    with pytest.raises(InputError, match="too long"):
        sampler(search(), make=refuse).suggest("a")


def test_a_diverged_trial_does_not_stop_the_search() -> None:
    one = sampler(search())
    one.suggest("a")
    one.on_trial_complete("a", {"epoch": 1})
    one.suggest("b")
    one.on_trial_complete("b", error=True)
    assert drawn(one.suggest("c"))
