"""The protocol of a cell, as it is compared with that of others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sweeper.spec.assembly import TRAINING
from sweeper.spec.trial import Protocol

DEFAULTS = dict(Protocol())


def protocol_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Every field that has a meaning in a cell with the flat settings `config`.

    Those leave out most defaults, which are filled in here. What is said of the training has no
    meaning where nothing is trained.
    """
    found = {name: config.get(name, default) for name, default in DEFAULTS.items()}
    if config.get("epochs") == 0:
        moot = {name for name in TRAINING if found[name] == DEFAULTS[name]}
        return {name: value for name, value in found.items() if name not in moot}
    return found


def departures(config: Mapping[str, Any], reference: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `config`'s protocol that are not as in the protocol `reference`."""
    own = protocol_of(config)
    return {
        name: value for name, value in own.items() if name in reference and value != reference[name]
    }
