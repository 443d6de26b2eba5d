"""Settings with places -> a trial, a reason why the backbone cannot carry it, or mistakes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sweeper.errors import InputError
from sweeper.spec.assembly import (
    NAMES,
    PROTOCOL,
    RECIPE,
    Ground,
    assemble,
    clashes,
    misworded,
)
from sweeper.spec.catalog import Catalog, Data, MethodEntry
from sweeper.spec.guard import check_selection, lent
from sweeper.spec.lookup import Lookup
from sweeper.spec.node import Mistakes, Node
from sweeper.spec.section import build, plain_rule
from sweeper.spec.trial import Protocol, Recipe, TrialSpec


@dataclass(frozen=True)
class Asked:
    """The settings that one cell asks for. `own` are those that its entry changes, `crossed`
    those that a crossed factor sets; the rest are the base's.
    """

    settings: Mapping[str, Node]
    where: Node
    own: frozenset[str] = frozenset()
    crossed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Found:
    """The trial of a cell (its seed still 0); `skip` says why `backbone` cannot carry it, and
    `blamed` is the setting that this is about.

    `spec` is None where the settings have mistakes, which are noted already.
    """

    spec: TrialSpec | None
    trains: bool
    backbone: str
    skip: str
    blamed: Node


class Resolver:
    """Resolves the cells of one sweep, whose base is `base` and which names `methods`."""

    def __init__(
        self, catalog: Catalog, base: Node, methods: Iterable[Node], mistakes: Mistakes
    ) -> None:
        self.lookup = Lookup(catalog, mistakes)
        self._catalog, self._base, self._mistakes = catalog, base, mistakes
        entries = [self.lookup.method(node) for node in methods]
        self._parameters = {name for entry in entries if entry for name in entry.defaults()}
        self.naming = {name for entry in entries if entry for name in entry.tasks}  # other tasks
        self.known = frozenset({*self._parameters, *RECIPE, *PROTOCOL, *NAMES})
        written = base.items.get("method")
        entry = self.lookup.method(written) if written is not None else None
        self._presets = entry.presets() if entry is not None else {}

    def resolve(self, asked: Asked) -> Found | None:
        """What `asked` describes; None where a mistake, now noted, keeps it from being asked."""
        method, backbone, task = (self._named(asked, name) for name in NAMES[:3])
        entry = self.lookup.method(method) if method else None
        weights = self.lookup.backbone(backbone) if backbone else None
        data = self.lookup.task(task) if task else None
        if method is None or entry is None:
            return None
        settings = self.over_preset(asked.settings, entry, method)
        others, all_there = self.others(settings, entry, method)
        for name, (node, other) in others.items():
            settings[name] = replace(node, value=other.name)
        lacking = self._lacking(asked, settings, entry, method)
        params = _part(settings, entry.defaults())
        fitting = self._fitting(params, entry, method)
        recipe, protocol = self._built(settings, method)
        chosen = check_selection(settings, entry, method, self._mistakes)
        worded = self._worded(settings, task if data is not None else None)
        right = None not in (recipe, protocol) and all_there and chosen and worded
        if not fitting or weights is None or backbone is None:
            return None
        plain = {name: node.plain() for name, node in settings.items()}
        if lacking:
            skip = f"method '{method.value}' has no '{lacking[0]}'"
        else:
            full = entry.complete({name: plain[name] for name in params})
            name, folder = str(method.value), method.folder
            words = protocol or Protocol()
            skip = self._catalog.skip(name, full, weights, words, folder)
        spec = None
        if right and lacking is not None and data is not None:
            identities = {name: other.identity for name, (_, other) in others.items()}
            place = (weights.name, weights.identity, data.name, data.identity)
            ground = Ground(*place, identities)
            spec = assemble(entry, plain, ground, seed=0)
            held = spec.params | {name: plain[name] for name in lacking}
            whole = self._consistent(asked, settings, spec)
            spec = spec.model_copy(update={"params": held}) if whole else None
        return Found(spec, entry.trains, str(backbone.value), skip, _blamed(asked, skip))

    def others(
        self, settings: Mapping[str, Node], entry: MethodEntry, method: Node
    ) -> tuple[dict[str, tuple[Node, Data]], bool]:
        """The tasks that parameters of the method name, and whether all of them are there."""
        found: dict[str, tuple[Node, Data]] = {}
        all_there = True
        for name in entry.tasks:
            default = Node(entry.defaults()[name], method.place, method.folder)
            node = settings.get(name, default)
            if isinstance(node.value, str) and node.value:  # bounds are checked elsewhere
                data = self.lookup.task(node)
                if data is None:
                    all_there = False
                else:
                    found[name] = (node, data)
        return found, all_there

    def over_preset(
        self, settings: Mapping[str, Node], entry: MethodEntry, method: Node
    ) -> dict[str, Node]:
        """The settings laid over the preset that they name. A method without a preset of that
        name takes the one of the base's method, as far as it applies.
        """
        node = settings.get("preset")
        if node is None:
            return dict(settings)
        others = {name: lent(each) for name, each in self._presets.items()}
        presets: dict[str, Mapping[str, Any]] = {**others, **entry.presets()}
        if not isinstance(node.value, str) or node.value not in presets:
            rule = f"a preset of method '{method.value}'"
            self._mistakes.unknown(node.place, "preset", str(node.value), presets, rule)
            return dict(settings)
        under = {name: Node(value, node.place) for name, value in presets[node.value].items()}
        return under | dict(settings)

    def _named(self, asked: Asked, name: str) -> Node | None:
        node = asked.settings.get(name)
        if node is None:
            self._mistakes.add(self._base.start, f"no '{name}'", f"a '{name}' in 'base'")
        return node

    def _lacking(
        self, asked: Asked, settings: Mapping[str, Node], entry: MethodEntry, method: Node
    ) -> list[str] | None:
        """The settings that an entry changes and a crossed method lacks; None after a mistake.

        What the base says about another method of the sweep is left out without a word.
        """
        own = [*entry.defaults(), *RECIPE, *PROTOCOL, *NAMES]
        lacking, wrong = [], False
        for name in [name for name in settings if name not in own]:
            elsewhere = name in self._parameters
            if elsewhere and name not in asked.own:
                continue
            if elsewhere and "method" in asked.crossed:
                lacking.append(name)
                continue
            rule = f"a setting of method '{method.value}', of the recipe or of the protocol"
            self._mistakes.unknown(settings[name].start, "setting", name, own, rule)
            wrong = True
        return None if wrong else lacking

    def _fitting(self, params: Mapping[str, Node], entry: MethodEntry, method: Node) -> bool:
        """Whether the parameters keep the bounds of their method."""
        broken = entry.check({name: node.plain() for name, node in params.items()})
        for name, rule in broken:
            node = params.get(name, method)
            self._mistakes.add(
                node.place, f"{name}: {node.kind}" if name else node.kind, plain_rule(rule)
            )
        return not broken

    def _built(
        self, settings: Mapping[str, Node], method: Node
    ) -> tuple[Recipe | None, Protocol | None]:
        """Recipe and protocol, each None where it does not keep its bounds."""
        where = method.place
        recipe = build(Recipe, _part(settings, RECIPE), where, "the recipe", self._mistakes)
        protocol = build(Protocol, _part(settings, PROTOCOL), where, "the protocol", self._mistakes)
        return recipe, protocol

    def _consistent(self, asked: Asked, settings: Mapping[str, Node], spec: TrialSpec) -> bool:
        found = clashes(spec)
        for name, got, rule in found:
            blamed = "epochs" if name == "warmup_epochs" and "epochs" in asked.own else name
            self._mistakes.add(settings[blamed].place, got, rule)
        return not found

    def _worded(self, settings: Mapping[str, Node], task: Node | None) -> bool:
        """Whether the task can be told with the template that is asked for."""
        node = settings.get("template")
        if node is None or not isinstance(node.value, str) or not node.value:
            return True  # bounds are checked elsewhere
        if rule := misworded(node.value):
            self._mistakes.add(node.place, f"template: {node.value!r}", rule)
            return False
        if task is None:
            return True
        try:
            self._catalog.template(str(task.value), str(node.value), task.folder)
        except InputError as error:
            self._mistakes.adopt(node, error)
            return False
        return True


def _part(settings: Mapping[str, Node], names: Iterable[str]) -> dict[str, Node]:
    return {name: settings[name] for name in names if name in settings}


def _blamed(asked: Asked, reason: str) -> Node:
    """The setting that `reason` speaks of; the entry, where it names none."""
    for name in [*sorted(asked.own), *asked.settings]:
        if reason and re.search(rf"\b{re.escape(name)}\b", reason):
            return asked.settings[name]
    return asked.where
