"""A sweep file -> a plan, or every mistake that is in it at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sweeper.errors import Place
from sweeper.records import METRICS
from sweeper.spec.assembly import PROTOCOL
from sweeper.spec.axis import Axis, read_axes, read_grid
from sweeper.spec.catalog import Catalog
from sweeper.spec.cells import cells
from sweeper.spec.condition import read_exclude, read_when
from sweeper.spec.expand import Point, expand
from sweeper.spec.file_name import TAKEN, misfit
from sweeper.spec.guard import refuse_mixed
from sweeper.spec.layers import layered
from sweeper.spec.node import Mistakes, Node
from sweeper.spec.plan import Budget, Metric, Plan, Resources
from sweeper.spec.ranges import listed
from sweeper.spec.report import read_metric, read_report
from sweeper.spec.resolver import Resolver
from sweeper.spec.search import read_search
from sweeper.spec.section import Model, build, entries, only
from sweeper.spec.trial import Protocol, Recipe

_DEFAULT_SEEDS = (0, 1, 2)
_MOST_SEEDS = 1000
_APART = ("name", "resources", "budget")  # what a plan holds outside its settings


def load(
    path: Path,
    catalog: Catalog,
    *,
    profile: str | None = None,
    settings: Mapping[str, str] = {},
    seeds: Sequence[int] | None = None,
) -> Plan:
    """The plan of the sweep file at `path` under `profile` (default: `demo`, if it has one).

    `settings` are overrides of `base`, or of a section (`search.num_trials`), their values
    written in YAML; `seeds` replaces the file's. Raises InputError with all mistakes.
    """
    mistakes = Mistakes()
    sweep, chosen = layered(path, profile, settings, mistakes)
    if sweep is None:
        raise mistakes.error()
    plan = _plan(sweep, chosen, path, catalog, seeds, mistakes)
    if mistakes.found:
        raise mistakes.error()
    return plan


def _plan(
    sweep: Node,
    profile: str,
    path: Path,
    catalog: Catalog,
    seeds: Sequence[int] | None,
    mistakes: Mistakes,
) -> Plan:
    section = sweep.items.get
    base = _base(sweep, mistakes)
    over = read_axes(section("over"), "over", mistakes)
    ablate = read_axes(section("ablate"), "ablate", mistakes)
    adaptive = "search" in sweep.items
    grid = [] if adaptive else read_grid(section("parameters"), mistakes)
    named = _methods(base, [*over, *ablate, *grid], sweep)
    resolver = Resolver(catalog, base, named, mistakes)
    varying = entries(section("parameters"), "parameters", mistakes)
    when = read_when(section("when"), varying, resolver.known, mistakes)
    used = _seeds(section("seeds"), seeds, mistakes)
    search = read_search(sweep, base, over=over, when=when, resolver=resolver, mistakes=mistakes)
    points: list[Point] = []
    if ablate or not adaptive:
        under = _defaults(base, resolver)
        points = expand(
            base, over=over, ablate=ablate, grid=grid, when=when, defaults=under, mistakes=mistakes
        )
    exclude = read_exclude(section("exclude"), resolver.known, mistakes)
    found = cells(points, resolver, seeds=used, exclude=exclude, mistakes=mistakes)
    if points and not found and not mistakes.found:
        mistakes.add(base.start, "no cell is left", "one that 'exclude' does not drop")
    report = read_report(section("report"), [*ablate, *grid], over, mistakes)
    shown = (report.tables, report.curves, report.figures)
    refuse_mixed(*shown, found, section("report"), [*ablate, *grid], mistakes)
    return Plan(
        sweep=_name(section("name"), path, mistakes),
        profile=profile,
        seeds=used,
        cells=found,
        metric=read_metric(section("metric"), [*METRICS], Metric(), mistakes),
        search=search,
        resources=_resources(sweep, mistakes),
        budget=_model(Budget, "budget", sweep, mistakes) or Budget(),
        settings={name: node.plain() for name, node in sweep.items.items() if name not in _APART},
        sources=resolver.lookup.sources,
        **vars(report),
    )


def _base(sweep: Node, mistakes: Mistakes) -> Node:
    """The settings of `base` over those of `protocol`; single values only, null = not set."""
    protocol = entries(sweep.items.get("protocol"), "protocol", mistakes)
    only(protocol, PROTOCOL, "key of protocol", mistakes)
    written = sweep.items.get("base")
    if written is None:
        mistakes.add(sweep.place, "no section 'base'", "a 'base' with method, backbone and task")
    given = {name: node for name, node in protocol.items() if name in PROTOCOL}
    given |= entries(written, "base", mistakes)
    for name, node in given.items():
        if not node.scalar:
            rule = "a single value; lists belong to 'ablate', 'over' and 'parameters'"
            mistakes.add(node.place, f"{name}: {node.kind}", rule)
    single = {name: node for name, node in given.items() if node.scalar}
    place = written.start if written is not None else sweep.place
    return Node(single, place, sweep.folder)


def _methods(base: Node, axes: Sequence[Axis], sweep: Node) -> Iterator[Node]:
    """Every node of the sweep that names a method."""
    if "method" in base.items:
        yield base.items["method"]
    for axis in axes:
        for entry in axis.entries:
            if "method" in entry.changes:
                yield entry.changes["method"]
    space = sweep.items.get("parameters")
    if "search" in sweep.items and space is not None and "method" in space.items:
        yield from listed(space.items["method"])


def _defaults(base: Node, resolver: Resolver) -> dict[str, Any]:
    """The settings below the base: recipe, protocol, the method's parameters, its preset."""
    below = {**dict(Recipe()), **dict(Protocol())}
    method = base.items.get("method")
    entry = resolver.lookup.method(method) if method is not None else None
    if method is None or entry is None:
        return below
    full = resolver.over_preset(base.items, entry, method)
    return below | dict(entry.defaults()) | {name: node.plain() for name, node in full.items()}


def _seeds(node: Node | None, asked: Sequence[int] | None, mistakes: Mistakes) -> tuple[int, ...]:
    """The seeds: the command line's, else the file's list, else 0 to n-1 for a number n."""
    written: Any = node.plain() if node is not None else list(_DEFAULT_SEEDS)
    where: Place | str = node.place if node is not None else "seeds"
    if asked is not None:
        written, where = list(asked), "--seeds"
    if isinstance(written, int) and not isinstance(written, bool):
        written = list(range(min(written, _MOST_SEEDS + 1)))
    rule = f"a number, or a list of different whole numbers from 0, {_MOST_SEEDS} at most"
    whole = isinstance(written, list) and all(type(seed) is int and seed >= 0 for seed in written)
    if whole and 0 < len(written) <= _MOST_SEEDS and len(set(written)) == len(written):
        return tuple(written)
    mistakes.add(where, f"seeds: {written if node is None else node.plain()}", rule)
    return _DEFAULT_SEEDS


def _name(node: Node | None, path: Path, mistakes: Mistakes) -> str:
    """The sweep's name, which names folders and files: the file's stem unless it says another."""
    name = node.value if node is not None else path.stem
    if rule := misfit(name, TAKEN):
        where = node.place if node is not None else Place(str(path))
        mistakes.add(where, f"name: {name!r}", rule, "Write a `name`." if node is None else "")
    return str(name)


def _resources(sweep: Node, mistakes: Mistakes) -> Resources:
    found = _model(Resources, "resources", sweep, mistakes) or Resources()
    for key, got, rule, hint in found.contradictions():
        mistakes.add(sweep.items["resources"].items[key].place, f"{key}: {got}", rule, hint)
    return found


def _model(model: type[Model], name: str, sweep: Node, mistakes: Mistakes) -> Model | None:
    node = sweep.items.get(name)
    given = entries(node, name, mistakes)
    return build(model, given, node.start if node is not None else sweep.place, name, mistakes)
