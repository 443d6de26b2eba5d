"""`parameters`: what each method trains, counted here, beside what the papers print."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from sweeper.cli import options
from sweeper.cli.output import print_json, print_rows

if TYPE_CHECKING:
    from reports.parameters import Count

VERDICTS = {True: "comes out", False: "does NOT come out", None: ""}


def parameters(json: options.Json = False) -> None:
    """Count what each method trains on the papers' architectures; takes half a minute.

    Formula, counted number and printed number, side by side; the mean over the data sets of a
    suite where a head is trained.
    """
    from reports.parameters import read_counts

    rows, suites = read_counts()
    found = [(row, count_of(row, suites.get(row.classes or "", [2]))) for row in rows]
    if json:
        listed = [row.model_dump() | {"found": n, "comes_out": row.comes_out} for row, n in found]
        print_json("parameters", counts=listed)
        return
    headers = ["method", "settings", "on", "formula", "counted", "printed", "source", "", "note"]
    print_rows(headers, [_line(row, count) for row, count in found])


def count_of(row: Count, classes: Sequence[int]) -> float:
    """Trainable parameters of the module that `row` describes, the mean over `classes`.

    A head is linear in the number of classes, so two of them are built and not all.
    """
    two, three = (_count(row, number) for number in (2, 3))
    return two + (three - two) * (mean(classes) - 2)


def _count(row: Count, classes: int) -> int:
    from sweeper import discovery
    from sweeper.backbones.hollow import hollow

    plugin = discovery.find(row.method, Path())
    names = ("one", "two", "three")[:classes]
    module = plugin.module(
        backbone=hollow(row.backbone),
        classes=names,
        template="a {}",
        params=plugin.params(**row.params),
        seed=0,
    )
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def _line(row: Count, count: float) -> list[str]:
    settings = ", ".join(f"{name}={value}" for name, value in row.params.items())
    many: Any = f" x {row.sets}" if row.sets > 1 else ""
    where = f"{row.backbone}, {row.classes}" if row.classes else row.backbone
    counted = f"{count:,.0f}{many}"
    verdict = VERDICTS[row.comes_out]
    return [
        row.method, settings, where, row.formula, counted, row.printed or "-", row.source, verdict,
        row.note,
    ]  # fmt: skip
