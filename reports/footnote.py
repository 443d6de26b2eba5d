"""What must be known of an entry to read it, told under its table: a sign for each remark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.document import Span, Text, text
from sweeper.spec.plan import Plan
from sweeper.spec.protocol import DEFAULTS, departures, protocol_of

ON_TEST = "selected on test, as the public code does"
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def reference(plan: Plan) -> dict[str, Any]:
    """The protocol that the cells of a plan are compared in: the base's. What has no meaning in
    the base, because nothing is trained there, is as in the first cell in which it has one.
    """
    found: dict[str, Any] = {}
    for cell in sorted(plan.cells, key=lambda cell: not cell.base):
        found = protocol_of(cell.config) | found
    return {name: found[name] for name in DEFAULTS if name in found}


def remarks(
    config: Mapping[str, Any], base: Mapping[str, Any], but: str = ""
) -> tuple[tuple[str, ...], bool]:
    """What must be said of a cell with the settings `config` beside others under the protocol
    `base`, and whether its own protocol is another one. Of the field `but` nothing is said.
    """
    apart = departures(config, base)
    apart.pop(but, None)
    own = protocol_of(config)
    on_test = own.get("selection") == "best_test"
    said = [
        f"{name} {value!r} (base: {base[name]!r})"
        for name, value in apart.items()
        if not (on_test and name == "selection")
    ]
    other = (f"under another protocol: {', '.join(said)}",) if said else ()
    return (ON_TEST,) * on_test + other, bool(apart)


@dataclass(frozen=True)
class Footnotes:
    """The remarks under one table and their signs, from 1 on in the order of the table."""

    signs: Mapping[str, str]

    @classmethod
    def of(cls, told: Iterable[Sequence[str]]) -> Footnotes:
        """Of the remarks of all entries."""
        found = dict.fromkeys(remark for each in told for remark in each)
        return cls({text: str(n).translate(_RAISED) for n, text in enumerate(found, start=1)})

    def mark(self, told: Sequence[str]) -> Text:
        """The signs of the remarks of one entry, such as '¹ ²'; nothing where there are none."""
        signs = " ".join(sign for remark, sign in self.signs.items() if remark in told)
        return (Span(signs, sign=True),) if signs else ()

    def texts(self) -> list[Text]:
        """Each sign with its remark, such as '¹ selected on test, as the public code does.'"""
        return [
            text(Span(sign, sign=True), f" {told.rstrip('.')}.")
            for told, sign in self.signs.items()
        ]
