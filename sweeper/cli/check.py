"""`check`: does a method keep what every method promises?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweeper.cli import options
from sweeper.cli.output import print_json, print_line
from sweeper.errors import InputError, Problem

if TYPE_CHECKING:
    from sweeper.backbones.backbone import Backbone

Names = Annotated[
    list[str] | None,
    typer.Argument(help="Methods by name, or files such as ./mine.py; default: all by name."),
]


def check(names: Names = None, json: options.Json = False) -> None:
    """Check what every method promises: shapes, bounds, seeds, a frozen backbone, a falling loss.

    On the embedded backbone, and on a timm ViT with random weights where no text is needed.
    """
    from sweeper import discovery
    from sweeper.conformance import CHECKS, keeps

    plugins = [discovery.find(each, Path.cwd()) for each in names or discovery.names()]
    backbones = list(_backbones())
    broken: list[Problem] = []
    for plugin in plugins:
        refusals = {b.info.name: plugin.skip(plugin.params(), b.info) for b in backbones}
        if all(refusals.values()):
            got = "; ".join(f"{name}: {reason}" for name, reason in refusals.items())
            rule = "defaults that one of them carries"
            broken.append(Problem(f"method file {plugin.source}", got, rule))
        for backbone in (b for b in backbones if refusals[b.info.name] is None):
            for promise in CHECKS:
                said = "kept"
                try:
                    keeps(promise, plugin, backbone)
                except InputError as error:
                    broken += error.problems
                    said = "BROKEN"
                if not json:
                    words = promise.replace("_", " ")
                    print_line(f"{said}  {plugin.name} on {backbone.info.name}: {words}")
    if broken:
        raise InputError(dict.fromkeys(broken))
    if json:
        print_json("check", methods=[plugin.name for plugin in plugins], checks=list(CHECKS))


def _backbones() -> Iterator[Backbone]:
    from sweeper.backbones import towers
    from sweeper.backbones.random_vit import random_vit

    yield towers.load("embedded")
    yield random_vit()
