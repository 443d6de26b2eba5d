"""What Optuna says of the recorded trials of a search: importances (fANOVA) and Pareto fronts.

Forests are random, so several are grown, each from its own seed, and their spread is told.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.importance import FanovaImportanceEvaluator, get_param_importances

FORESTS = 3
FEWEST = 10  # trials; with fewer a forest sees chance alone

Trial = tuple[Mapping[str, Any], float]  # parameter -> value, and the metric


@dataclass(frozen=True)
class Importance:
    """Share of the metric's variance that a parameter explains, over `FORESTS` forests."""

    parameter: str
    mean: float
    low: float
    high: float


def importances(
    space: Mapping[str, Mapping[str, Any]], trials: Sequence[Trial]
) -> list[Importance]:
    """By falling mean, of the parameters of `space` (as a plan holds it) that all trials have.

    Empty with fewer than FEWEST trials, and where the metric or all parameters are the same in all.
    """
    values = [value for _, value in trials]
    names = [
        name
        for name in space
        if all(name in params for params, _ in trials)
        and len({params[name] for params, _ in trials}) > 1
    ]
    if len(trials) < FEWEST or len(set(values)) == 1 or not names:
        return []
    study = _study(("maximize",), space, names, [(params, (value,)) for params, value in trials])
    shares = [
        get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=seed), params=names)
        for seed in range(FORESTS)
    ]
    found = []
    for name in names:
        own = [float(share[name]) for share in shares]
        found.append(Importance(name, statistics.fmean(own), min(own), max(own)))
    return sorted(found, key=lambda each: (-each.mean, each.parameter))


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Places of the Pareto front of (metric, cost): none has a higher metric at no higher cost,
    nor a lower cost at no lower metric. By rising cost.
    """
    study = _study(("maximize", "minimize"), {}, [], [({}, point) for point in points])
    best = [trial.number for trial in study.best_trials]
    return sorted(best, key=lambda place: (points[place][1], place))


def _study(
    directions: Sequence[Literal["maximize", "minimize"]],
    space: Mapping[str, Mapping[str, Any]],
    names: Sequence[str],
    trials: Sequence[tuple[Mapping[str, Any], Sequence[float]]],
) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(directions=directions)
    distributions = {name: _distribution(space[name]) for name in names}
    for params, values in trials:
        study.add_trial(
            optuna.trial.create_trial(
                params={name: params[name] for name in names},
                distributions=distributions,
                values=list(values),
            )
        )
    return study


def _distribution(plain: Mapping[str, Any]) -> BaseDistribution:
    """Whole numbers are numbers: a forest only asks for what is larger."""
    if plain["kind"] == "choice":
        return CategoricalDistribution(tuple(plain["values"]))
    log = plain["kind"] == "log_uniform" or bool(plain.get("log"))
    return FloatDistribution(plain["low"], plain["high"], log=log)
