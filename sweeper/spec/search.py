"""The sections `search` and `early_terminate`, and the space in `parameters`, read together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sweeper.spec.axis import Axis
from sweeper.spec.cells import note_skip
from sweeper.spec.condition import Condition
from sweeper.spec.expand import crossings
from sweeper.spec.node import Mistakes, Node
from sweeper.spec.plan import EarlyTerminate, Metric, Search
from sweeper.spec.ranges import as_json, listed, read_space
from sweeper.spec.report import read_metric
from sweeper.spec.resolver import Asked, Resolver
from sweeper.spec.section import build, entries, only
from sweeper.spec.space import Choice, Space

WORDS = ("method", "num_trials", "metric")
_READABLE = ("val/acc", "val/loss")  # what a search may look at; a test score is not
_FIXED = ("backbone", "task", "preset")


def read_search(
    sweep: Node,
    base: Node,
    *,
    over: Sequence[Axis],
    when: Mapping[str, Condition],
    resolver: Resolver,
    mistakes: Mistakes,
) -> Search | None:
    """The search of the sweep; None when it has none, or after noting what is wrong with it."""
    section, early = sweep.items.get("search"), sweep.items.get("early_terminate")
    if section is None:
        if early is not None:
            mistakes.add(early.start, "early_terminate without a search", "a section 'search'")
        return None
    _refuse_beside(sweep, over, mistakes)
    changes = [entry.changes for entry in next(iter(crossings(over)), {}).values()]
    settings = {**base.items, **{name: node for each in changes for name, node in each.items()}}
    under = Node(settings, base.place, base.folder, base.key)
    spaces = _spaces(sweep, section, resolver.naming, mistakes)
    origin = resolver.resolve(Asked(settings, under))
    probes = _probes(under, sweep, spaces, when, resolver)
    for found in [origin, *map(resolver.resolve, probes)]:
        if found is not None and found.skip:
            note_skip(found, mistakes)
    search = _algorithm(sweep, section, early, mistakes)
    if search is None or origin is None or origin.spec is None:
        return None
    entry = resolver.lookup.method(settings["method"])
    full = resolver.over_preset(settings, entry, settings["method"]) if entry else settings
    spec = origin.spec
    names = {"method": spec.method, "backbone": spec.backbone, "task": spec.task}
    others = _others(full, sweep, spaces, resolver)
    names |= {name: next(iter(others[name])) for name in others if name in full}
    methods = _identities(sweep, spaces, resolver)
    return search.model_copy(
        update={
            "base": {n: node.plain() for n, node in full.items() if n != "preset"} | names,
            "space": {name: as_json(space) for name, space in spaces.items()} | methods,
            "when": {name: dict(condition) for name, condition in when.items()},
            "weights": origin.spec.weights,
            "data": origin.spec.data,
            "others": others,
        }
    )


def _algorithm(sweep: Node, section: Node, early: Node | None, mistakes: Mistakes) -> Search | None:
    """How the search draws, what it looks at and when it gives up; its space is still empty."""
    given = entries(section, "search", mistakes)
    only(given, WORDS, "key of search", mistakes)
    plain = {name: node for name, node in given.items() if name in WORDS[:2]}
    plain |= {name: Node({}, section.place) for name in ("base", "space")}
    found = build(Search, plain, section.place, "search", mistakes)
    rules = entries(early, "early_terminate", mistakes)
    halving = build(EarlyTerminate, rules, section.place, "early_terminate", mistakes)
    metric = _metric(sweep, given, mistakes)
    if found is None:
        return None
    stop = halving if early is not None else None
    return found.model_copy(update={"early_terminate": stop, "metric": metric})


def _identities(
    sweep: Node, spaces: Mapping[str, Space], resolver: Resolver
) -> dict[str, dict[str, Any]]:
    """The space of `method`, if it is searched: what a trial calls each, not where it lies."""
    if "method" not in spaces:
        return {}
    nodes = listed(sweep.items["parameters"].items["method"])
    found = [resolver.lookup.method(node) for node in nodes]
    return {"method": as_json(Choice(tuple(entry.identity for entry in found if entry)))}


def _others(
    settings: Mapping[str, Node], sweep: Node, spaces: Mapping[str, Space], resolver: Resolver
) -> dict[str, dict[str, str]]:
    """The tasks that parameters name, of the base's method and of those that are searched over."""
    nodes = [settings["method"]]
    nodes += listed(sweep.items["parameters"].items["method"]) if "method" in spaces else []
    found: dict[str, dict[str, str]] = {}
    for node in nodes:
        entry = resolver.lookup.method(node)
        named = resolver.others(settings, entry, node)[0] if entry is not None else {}
        for name, (_, data) in named.items():
            found.setdefault(name, {})[data.name] = data.identity
    return found


def _metric(sweep: Node, given: Mapping[str, Node], mistakes: Mistakes) -> Metric:
    """What the search looks at: its own metric, else the sweep's where that is readable."""
    default = Metric(name="val/acc")
    if "metric" in given:
        return read_metric(given["metric"], _READABLE, default, mistakes)
    whole = sweep.items.get("metric")
    name = whole.items.get("name") if whole is not None else None
    readable = name is not None and name.value in _READABLE
    return read_metric(whole if readable else None, _READABLE, default, mistakes)


def _refuse_beside(sweep: Node, over: Sequence[Axis], mistakes: Mistakes) -> None:
    for axis in over:
        if len(axis.entries) > 1:
            rule = "one value: a search runs on one task"
            hint = f"Choose one with --set {axis.name}=..."
            mistakes.add(axis.node.start, f"over.{axis.name} beside a search", rule, hint)
    if "exclude" in sweep.items:
        rule = "'when', which says where a parameter varies"
        mistakes.add(sweep.items["exclude"].start, "exclude beside a search", rule)


def _spaces(
    sweep: Node, section: Node, naming: Collection[str], mistakes: Mistakes
) -> dict[str, Space]:
    nodes = entries(sweep.items.get("parameters"), "parameters", mistakes)
    if not nodes:
        mistakes.add(section.start, "a search without 'parameters'", "what it is to vary")
    found = {}
    for name, node in nodes.items():
        if name in _FIXED or name in naming:
            rule = "a parameter of the method, the recipe or the protocol"
            mistakes.add(node.start, f"a search over '{name}'", rule)
            continue
        space = read_space(name, node, mistakes)
        if space is not None:
            found[name] = space
    return found


def _probes(
    base: Node,
    sweep: Node,
    spaces: Mapping[str, Space],
    when: Mapping[str, Condition],
    resolver: Resolver,
) -> Iterator[Asked]:
    """Every listed value and every bound, each alone, where the parameter varies."""
    nodes = sweep.items["parameters"].items if "parameters" in sweep.items else {}
    for name, space in spaces.items():
        key = nodes[name].start
        settings: dict[str, Node] = dict(base.items)
        owner = _owner(name, base, nodes, resolver)
        if owner is not None:
            settings["method"] = owner
        for other, values in when.get(name, {}).items():
            settings[other] = Node(values[0] if values else None, key, base.folder, key)
        for node in _extremes(space, nodes[name]):
            value = Node(node.value, node.place, node.folder, key)
            yield Asked({**settings, name: value}, value, frozenset({name}))


def _owner(name: str, base: Node, nodes: Mapping[str, Node], resolver: Resolver) -> Node | None:
    """The first method of the search that has the parameter `name`, if the base's has not."""
    choices = [base.items[each] for each in ("method",) if each in base.items]
    choices += listed(nodes["method"]) if "method" in nodes else []
    for node in choices:
        entry = resolver.lookup.method(node)
        if entry is not None and name in entry.defaults():
            return node
    return None


def _extremes(space: Space, node: Node) -> list[Node]:
    if isinstance(space, Choice):
        return listed(node)
    return [node.items["min"], node.items["max"]]
