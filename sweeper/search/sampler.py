"""Optuna behind Ray Tune, speaking in trials: below it nobody knows a search from a grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from ray.tune.search import Searcher
from ray.tune.search.optuna import OptunaSearch

from sweeper.errors import InputError, Problem
from sweeper.seeds import derive
from sweeper.spec.plan import Search
from sweeper.spec.trial import TrialSpec

ATTEMPTS = 200  # draws in a row that bring nothing new, after which the space is taken as spent

Draw = Mapping[str, Any]  # parameter -> value
Ended = tuple[TrialSpec, float | None]  # a trial that ended, and the metric it reached, if any


class Sampler(Searcher):
    """Draws up to `count` new trials.

    `build` makes a trial of a draw and raises InputError where no backbone can carry it.
    `ended` are all trials whose metric is known. Those that a draw could have made are told to
    the sampler first; a draw that comes to any of them, or to one that is running, is told what
    is known of it and never trained again. Different draws can be the same trial.
    """

    def __init__(
        self,
        search: Search,
        *,
        build: Callable[[Draw], TrialSpec],
        ended: Sequence[Ended],
        count: int,
        seed: int,
    ) -> None:
        mode = {"maximize": "max", "minimize": "min"}[search.metric.goal]
        super().__init__(metric=search.metric.name, mode=mode)
        self._build, self._count = build, count
        self._values: dict[str, float | None] = {spec.id: value for spec, value in ended}
        self._running: dict[str, tuple[str, str]] = {}  # Tune's id -> (our id, Optuna's key)
        space = {name: distribution(plain) for name, plain in search.space.items()}
        # The stream must not start over with every launch: it would draw the same again.
        stream = derive(seed, "sampler", len(ended)) % 2**32
        tpe = search.method == "tpe"
        kind = optuna.samplers.TPESampler if tpe else optuna.samplers.RandomSampler
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna = OptunaSearch(
            space, metric=search.metric.name, mode=mode, sampler=kind(seed=stream)
        )
        for spec, value in ended:
            draw = draw_of(spec, space, build)
            if draw is not None:
                lost = value is None
                self._optuna.add_evaluated_point(draw, value, pruned=lost)  # type: ignore[arg-type]

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]
        """The next new trial as Tune's configuration, or that there are no more."""
        if self._count <= 0:
            return str(Searcher.FINISHED)
        refused: InputError | None = None
        for attempt in range(ATTEMPTS):
            key = trial_id if attempt == 0 else f"{trial_id}/{attempt}"
            draw = self._optuna.suggest(key) or {}
            try:
                spec = self._build(draw)
            except InputError as error:
                refused = error
                self._optuna.on_trial_complete(key)
                continue
            if spec.id not in self._values and not self._runs(spec):
                self._count -= 1
                self._running[trial_id] = spec.id, key
                return {"trial": spec.model_dump_json()}
            self._tell(key, self._values.get(spec.id))
        self._count = 0
        if refused is not None and not self._values and not self._running:
            raise refused
        return str(Searcher.FINISHED)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Optuna decides nothing between epochs; early stopping is the scheduler's."""

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Tell the sampler how the trial ended. One that diverged or failed has no value."""
        value = None if error else (result or {}).get(self.metric)
        ours, key = self._running.pop(trial_id)
        self._values[ours] = value
        self._tell(key, value)

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the store says what ended, and `ended` brings it back."""

    def restore(self, checkpoint_path: str) -> None:
        """See `save`."""

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its searcher beside its own state, which is never restored here."""
        return {}

    def _runs(self, spec: TrialSpec) -> bool:
        return any(ours == spec.id for ours, _ in self._running.values())

    def _tell(self, key: str, value: float | None) -> None:
        self._optuna.on_trial_complete(key, None if value is None else {self.metric: value})


def distribution(plain: Mapping[str, Any]) -> BaseDistribution:
    """Optuna's distribution of a space as a plan holds it: its `kind` and its fields."""
    fields = {name: value for name, value in plain.items() if name != "kind"}
    match plain["kind"]:
        case "choice":
            return CategoricalDistribution(tuple(fields["values"]))
        case "integers":
            return IntDistribution(**fields)
        case "uniform":
            return FloatDistribution(**fields)
        case "log_uniform":
            return FloatDistribution(**fields, log=True)
    raise InputError(
        Problem("search.space", f"kind '{plain['kind']}'", "choice, integers, uniform, log_uniform")
    )


def draw_of(
    spec: TrialSpec, space: Mapping[str, BaseDistribution], build: Callable[[Draw], TrialSpec]
) -> dict[str, Any] | None:
    """A draw from `space` that makes `spec`, or None where there is none.

    A parameter that plays no part in `spec` (its condition does not hold) may have any value.
    """
    flat = spec.flat()
    draw = {name: _inside(one, flat.get(name)) for name, one in space.items()}
    try:
        return draw if build(draw).id == spec.id else None
    except InputError:
        return None


def _inside(one: BaseDistribution, value: Any) -> Any:
    """`value` if `one` could draw it, else the first value that it could."""
    if isinstance(one, CategoricalDistribution):
        return value if value in one.choices else one.choices[0]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if number and one._contains(value) else one.low  # type: ignore[attr-defined]
