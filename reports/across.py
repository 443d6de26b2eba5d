"""What may be said of the rows of a table across tasks: tests over tasks, never over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from reports.column import Column
from reports.crossing import Slot
from reports.document import Block, Grid, Paragraph, Picture, Text, text
from reports.drawing.ranks import ranks as diagram
from reports.entry import Entry
from reports.filled import Filled, fill
from reports.query import Recording
from reports.rank_test import LEAST, LEVEL, Pair, Ranks, friedman, wilcoxon
from reports.value import Value
from reports.wording import number, unit_of
from sweeper.spec.shown import Table


@dataclass(frozen=True)
class Family:
    """Rows that are compared on the same tasks.

    name: the values of the other crossed factors, empty where there are none. tasks: those on
    which all rows have a mean, `asked`: of how many. means: row -> mean on each of `tasks`.
    left_out: rows under another protocol than the base's, or without any score.
    weak: how many of the means have too few seeds or lost trials to divergence.
    """

    name: str
    asked: int
    tasks: Sequence[str]
    means: Mapping[str, Sequence[float]]
    left_out: Sequence[str]
    weak: int


def across_blocks(table: Table, recording: Recording, entries: Mapping[str, Entry]) -> list[Block]:
    """Tests across the values of `table.across`, or why there are none.

    Empty where the table has fewer than two rows or two tasks, or no better direction.
    """
    filled = fill(table, recording.plan, entries)
    blocks: list[Block] = []
    every = families(filled) if filled.measure.better else []
    enough = [family for family in every if len(family.tasks) >= LEAST]
    pairs = [(family, pair) for family in enough for pair in _pairs(family, filled.base)]
    found = [_qualified(family, pair) for family, pair in pairs]
    means = {_of(family, row): m for family in enough for row, m in family.means.items()}
    if pairs:
        blocks.append(_pairs_grid(filled, enough, wilcoxon(means, found)))
    for n, family in enumerate(enough, start=1):
        ranks = friedman(family.means, lower=filled.measure.better == "lower")
        if ranks is not None:
            name = f"table_{table.id}_ranks" + (f"_{n}" if len(enough) > 1 else "")
            blocks += _ranks_blocks(filled, family, ranks, name)
    few = [family for family in every if len(family.tasks) < LEAST]
    return [*blocks, *([_too_few(filled, few)] if few else [])]


def families(filled: Filled) -> list[Family]:
    """Each block of rows with each combination of the other factors, of two rows and tasks."""
    across = filled.table.across
    groups: dict[Column, dict[str, Slot]] = {}
    for slot in filled.slots:
        if not slot.average and (task := slot.value(across)):
            groups.setdefault(slot.without(across), {})[task] = slot
    found = []
    for block in filled.blocks():
        for rest, slots in groups.items():
            name = ", ".join((*block[0].over, *(value for _, value in rest)))
            there = {
                row.role.label: {
                    task: filled.values[row.name, slot]
                    for task, slot in slots.items()
                    if (row.name, slot) in filled.values
                }
                for row in block
            }
            if len(there) > 1 and len(slots) > 1:
                found.append(_family(name, list(slots), there))
    return found


def _family(name: str, asked: Sequence[str], rows: Mapping[str, Mapping[str, Value]]) -> Family:
    out = [
        row
        for row, values in rows.items()
        if not any(value.summary for value in values.values())
        or any(value.apart for value in values.values())
    ]
    kept = {row: values for row, values in rows.items() if row not in out}
    tasks = [
        task
        for task in asked
        if kept and all(task in each and each[task].summary for each in kept.values())
    ]
    means = {row: [values[task].mean for task in tasks] for row, values in kept.items()}
    weak = sum(not values[task].sound for values in kept.values() for task in tasks)
    if len(kept) < 2:
        return Family(name, len(asked), (), {}, out, 0)
    return Family(name, len(asked), tasks, means, out, weak)


def _pairs(family: Family, base: str) -> list[tuple[str, str]]:
    """Each row against the base; without a base, each two rows."""
    if base in family.means:
        return [(row, base) for row in family.means if row != base]
    return list(combinations(family.means, 2))


def _of(family: Family, row: str) -> str:
    return f"{family.name}: {row}" if family.name else row


def _qualified(family: Family, pair: tuple[str, str]) -> tuple[str, str]:
    return _of(family, pair[0]), _of(family, pair[1])


def _pairs_grid(filled: Filled, enough: Sequence[Family], pairs: Sequence[Pair]) -> Grid:
    measure = filled.measure
    unit = unit_of(measure, change=True)
    headers = ["row", "against", f"mean difference{unit}", "higher / equal / lower", "p"]
    headers.append("p (Holm)")
    counts = {_of(family, row): len(family.tasks) for family in enough for row in family.means}
    rows = []
    for pair in pairs:
        lower = counts[pair.first] - pair.higher - pair.equal
        told = [pair.first, pair.second, number(pair.difference, measure, sign=True)]
        told += [f"{pair.higher} / {pair.equal} / {lower}", p_text(pair.p), p_text(pair.holm)]
        rows.append([text(each) for each in told])
    said = (
        f"Wilcoxon's signed-rank test, two-sided, on the means of each {filled.table.across}; "
        f"Holm's correction over the {len(pairs)} rows here. A p below {LEVEL:g} tells two apart."
    )
    return Grid(
        headers=[text(header) for header in headers],
        rows=rows,
        labels=2,
        name=f"table_{filled.table.id}_across",
        caption=f"{filled.table.title}: across {_counted(filled, enough)}",
        notes=[text(said), *_provisos(enough)],
    )


def _counted(filled: Filled, enough: Sequence[Family]) -> str:
    counts = sorted({len(family.tasks) for family in enough})
    told = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{told} values of {filled.table.across}"


def _provisos(enough: Sequence[Family]) -> list[Text]:
    """What must be known of the means that were tested."""
    found = []
    for family in enough:
        where = f"{family.name}: " if family.name else ""
        if len(family.tasks) < family.asked:
            told = f"{len(family.tasks)} of {family.asked}, on which all rows have a mean"
            found.append(text(f"{where}{told}: {', '.join(family.tasks)}."))
        if family.left_out:
            why = "under another protocol than the base's, or without a score"
            found.append(text(f"{where}left out, {why}: {', '.join(family.left_out)}."))
        if family.weak:
            told = f"{family.weak} of the means have too few seeds or lost trials to divergence"
            found.append(text(f"{where}{told}."))
    return found


def _ranks_blocks(filled: Filled, family: Family, ranks: Ranks, name: str) -> list[Block]:
    where = f" ({family.name})" if family.name else ""
    told = ", ".join(
        f"{row} {rank:.2f}" for row, rank in sorted(ranks.average.items(), key=lambda at: at[1])
    )
    test = (
        f"Friedman's test over {len(family.means)} rows and {len(family.tasks)} values of "
        f"{filled.table.across}{where}: chi-squared {ranks.chi2:.2f}, p {p_text(ranks.p)}. "
        f"Average ranks, 1 is the best: {told}."
    )
    if ranks.nemenyi.empty:
        told = "It does not tell the rows apart, so that no two of them are compared by rank."
        return [Paragraph(text(f"{test} {told}"), note=True)]
    told = (
        f"Nemenyi's test: two rows differ (p below {LEVEL:g}) where their average ranks differ by "
        f"more than {ranks.critical:.2f}; a bar in the figure joins those that do not."
    )
    title = f"{filled.table.title}{where}: average ranks and critical difference"
    return [
        Paragraph(text(f"{test} {told}"), note=True),
        Picture(name, title, diagram(ranks.average, ranks.nemenyi, ranks.critical)),
    ]


def _too_few(filled: Filled, few: Sequence[Family]) -> Paragraph:
    counts = dict.fromkeys(
        (f"{family.name}: " if len(few) > 1 and family.name else "")
        + f"{len(family.tasks)} of {family.asked}"
        for family in few
    )
    why = (
        f"No test across {filled.table.across}: two rows or more have a mean on "
        f"{'; '.join(counts)}. With fewer than {LEAST} a signed-rank test cannot tell any two rows "
        f"apart at {LEVEL:g}, and seeds are no substitute."
    )
    return Paragraph(text(why), note=True)


def p_text(value: float) -> str:
    """Such as '0.031' or '< 0.001'."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
