"""The settings of one cell, put together into the trial that they describe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sweeper.spec.catalog import MethodEntry
from sweeper.spec.trial import Protocol, Recipe, TrialSpec

RECIPE = tuple(Recipe.model_fields)
PROTOCOL = tuple(Protocol.model_fields)
TRAINING = {
    "selection",
    "train_on",
    "shots",
    "data_fraction",
}  # of the protocol: moot without training
NAMES = ("method", "backbone", "task", "preset")  # settings that name a thing of the catalog


@dataclass(frozen=True)
class Ground:
    """What a trial stands on: the frozen network and the data, each with its identity."""

    backbone: str
    weights: str
    task: str
    data: str
    others: Mapping[str, str] = field(default_factory=dict)  # parameter -> identity of its data


def assemble(
    entry: MethodEntry, settings: Mapping[str, Any], ground: Ground, seed: int
) -> TrialSpec:
    """The trial of valid `settings`; those that are not of this method are left out.

    A method with nothing to train has one canonical recipe, protocol and seed, whatever the
    settings say, so that it is evaluated once.
    """
    params = {name: settings[name] for name in entry.defaults() if name in settings}
    recipe = {name: settings[name] for name in RECIPE if name in settings}
    protocol = {name: settings[name] for name in PROTOCOL if name in settings}
    if not entry.trains:
        recipe, seed = {"epochs": 0}, 0
        protocol = {name: value for name, value in protocol.items() if name not in TRAINING}
    return TrialSpec(
        method=entry.identity,
        params=entry.complete(params),
        backbone=ground.backbone,
        weights=ground.weights,
        task=ground.task,
        data=ground.data,
        others=dict(ground.others),
        recipe=Recipe(**recipe),
        protocol=Protocol(**protocol),
        seed=seed,
    )


def misworded(template: str) -> str:
    """The rule that a template breaks; empty where it breaks none."""
    around = template.split("{}")
    text = len(around) == 2 and not any(sign in part for part in around for sign in "{}")
    fits = text or template in ("", "coop")
    return "" if fits else "a text with one '{}', where the class name goes, or coop"


def clashes(spec: TrialSpec) -> list[tuple[str, str, str]]:
    """Settings that cannot stand together: (the one to blame, what was found, the rule)."""
    found = []
    recipe, protocol = spec.recipe, spec.protocol
    if protocol.shots and protocol.data_fraction < 1:
        got = f"shots: {protocol.shots} with data_fraction: {protocol.data_fraction}"
        found.append(("data_fraction", got, "shots, or a fraction"))
    if rule := misworded(protocol.template):
        found.append(("template", f"template: {protocol.template!r}", rule))
    if recipe.warmup_epochs > recipe.epochs:
        got = f"warmup_epochs: {recipe.warmup_epochs} of epochs: {recipe.epochs}"
        found.append(("warmup_epochs", got, "a warm-up that is not longer than the training"))
    if protocol.train_on == "train+val" and protocol.selection == "best_val":
        got = "train_on: 'train+val' with selection: 'best_val'"
        found.append(("train_on", got, "train_on: train, or selection: last"))
    return found
