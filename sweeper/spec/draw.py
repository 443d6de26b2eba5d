"""One draw of a sampler -> the trial that it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweeper.errors import InputError, Problem
from sweeper.spec.assembly import Ground, assemble, clashes
from sweeper.spec.catalog import Catalog, Weights
from sweeper.spec.condition import active
from sweeper.spec.guard import lent, selects_on_test
from sweeper.spec.plan import Search
from sweeper.spec.trial import Protocol, Recipe, TrialSpec


def trial_of(
    search: Search,
    draw: Mapping[str, Any],
    seed: int,
    catalog: Catalog,
    sources: Mapping[str, str] | None = None,
) -> TrialSpec:
    """The trial of `draw` (parameter -> value) laid over the base of `search`.

    A drawn parameter whose condition does not hold keeps the base's value, and one that the
    method does not have is left out, so different draws may be the same trial. `sources` are
    the plan's. Raises InputError where the backbone cannot carry the combination.
    """
    chosen = {**search.base, **draw}
    name = str(chosen["method"])
    source = (sources or {}).get(name, name)
    entry = catalog.method(source, Path())
    defaults = {**dict(Recipe()), **dict(Protocol()), **entry.defaults()}
    settings = {**search.base, **active(search.when, draw, {**defaults, **search.base})}
    if not selects_on_test(entry):  # but the preset of the base's method does
        settings = lent(settings)
    params = {name: settings[name] for name in entry.defaults() if name in settings}
    broken = [(f"{name}: {params.get(name)!r}", rule) for name, rule in entry.check(params)]
    if not broken:
        named = {name: entry.complete(params)[name] for name in entry.tasks}
        others = {name: search.others[name][task] for name, task in named.items() if task}
        path = (sources or {}).get(search.weights, "")
        backbone = Weights(str(settings["backbone"]), search.weights, path)
        place = (backbone.name, backbone.identity, str(settings["task"]), search.data)
        spec = assemble(entry, settings, Ground(*place, others), seed)
        broken = [(got, rule) for _, got, rule in clashes(spec)]
        reason = catalog.skip(source, spec.params, backbone, spec.protocol, Path())
        if reason:
            broken.append((reason, "settings that the backbone can carry"))
    if broken:
        raise InputError([Problem("draw", got, rule) for got, rule in broken])
    return spec
