"""`tasks`: what there is, what of it is on disk, how to get the rest; `tasks check` verifies it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweeper.cli import options
from sweeper.cli.output import print_json, print_line, print_rows, stderr

if TYPE_CHECKING:  # torch comes with it, and `sweeper --help` needs none
    from sweeper.tasks.inventory import Entry

EXIT_WRONG = 2
CHECK = "check"
SPLITS = ("train", "val", "test")
SHOWN = 10  # names of classes

Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[check] [NAME]...",
        help="Tasks in detail: names, folders or files; after 'check': verify these, or all.",
    ),
]


def tasks(words: Words = None, json: options.Json = False) -> None:
    """List the tasks, what of them is on disk and how to get the rest; or show some in detail.

    A folder of images (./pets) is a task too, and so are some of them joined by '+'
    (counting+digits): one classifier over the classes of all.

    `sweeper tasks check` decodes every image of the data sets on disk and compares their counts
    with those declared; exit code 2 if anything is wrong. A data set that is absent is no error
    unless it is named.
    """
    from sweeper.tasks import catalog, inventory

    given = words or []
    if given[:1] == [CHECK]:
        _check(given[1:], json=json)
        return
    chosen = inventory.known(given or catalog.names(), Path.cwd())
    found = [inventory.entry(name, Path.cwd()) for name in chosen]
    if json:
        print_json("tasks", tasks=[_plain(each) for each in found])
    elif given:
        for each in found:
            _print_detail(each)
    else:
        _print_all(found)
    wrong = [each.text for each in found if each.state == "damaged"]
    if given and wrong:
        _print_errors("\n".join(wrong).splitlines())
        raise typer.Exit(EXIT_WRONG)


def _plain(entry: Entry) -> dict[str, Any]:
    values = {each.name: getattr(entry, each.name) for each in fields(entry)}
    del values["found"]
    return values | {"available": entry.state in ("drawn", "on disk")}


def _print_all(found: Sequence[Entry]) -> None:
    headers = ["task", "classes", "train / val / test", "template", "metric", "splits", "licence"]
    rows = []
    for each in found:
        # what is missing without how to get it, which is long
        state = each.text.split(": ")[0] if each.state == "missing" else each.state
        said = [each.name, str(each.count or "?"), _sizes(each.sizes), each.template, each.metric]
        rule = each.rule or " | ".join(each.declared)
        rows.append([*said, rule, each.licence, state, each.description])
    print_rows([*headers, "state", "what it is"], rows)
    if any(each.state == "missing" for each in found):
        stderr.print("how to get what is missing: sweeper tasks NAME", markup=False)


def _sizes(sizes: Mapping[str, int]) -> str:
    if set(sizes) <= {*SPLITS}:
        return " / ".join(f"{sizes[split]:,}" if split in sizes else "?" for split in SPLITS)
    return ", ".join(f"{split} {count:,}" for split, count in sizes.items())


def _print_detail(entry: Entry) -> None:
    print_line(f"{entry.name}: {entry.description}" if entry.description else entry.name)
    absent = entry.state in ("missing", "damaged")
    names = ", ".join(entry.classes[:SHOWN]) + (", ..." if len(entry.classes) > SHOWN else "")
    rows = {
        "classes": f"{entry.count}: {names}" if names else str(entry.count or ""),
        "splits": entry.rule,
        "train / val / test": "" if absent else _sizes(entry.sizes),
        **{f"declared, {rule}": _sizes(sizes) for rule, sizes in entry.declared.items()},
        "template": entry.template,
        **{f"template: {name}": text for name, text in entry.templates.items()},
        "metric": entry.metric,
        "licence": entry.licence,
        "source": "" if entry.source in entry.text else entry.source,
        "papers": ", ".join(entry.papers),
        "parts": ", ".join(entry.parts),
        "data": entry.data,
        "state": entry.state,
        "how to get it": entry.text if entry.state == "missing" else "",
    }
    print_rows(["of it", "what is known"], [[key, text] for key, text in rows.items() if text])


def _check(names: Sequence[str], *, json: bool) -> None:
    """Verify the tasks `names`, or all that are not drawn."""
    from sweeper.tasks import catalog, inventory
    from sweeper.tasks.drawn import DRAWN

    chosen = inventory.known(names or sorted({*catalog.names()} - {*DRAWN}), Path.cwd())
    parts = [part for name in chosen for part in catalog.parts_of(name, Path.cwd())]
    whole: set[str] = set()
    found = [_verified(part, whole, named=bool(names)) for part in dict.fromkeys(parts)]
    wrong = any(each["problems"] for each in found)
    if json:
        print_json("tasks_check", whole=not wrong, tasks=found)
    else:
        headers = ["task", "state", "classes", "train / val / test", "splits", "broken images"]
        rows = [[str(each[key]) for key in ("name", "state", "count")] for each in found]
        for row, each in zip(rows, found, strict=True):
            broken = "" if each["broken"] is None else f"{each['broken']:,}"
            row += [_sizes(each["sizes"]), each["rule"], broken]
        print_rows(headers, rows)
        for each in found:
            _print_errors(each["problems"])
    if wrong:
        raise typer.Exit(EXIT_WRONG)


def _print_errors(problems: Sequence[str]) -> None:
    for problem in problems:
        stderr.print(f"error: {problem}", markup=False, soft_wrap=True)


def _verified(name: str, whole: set[str], *, named: bool) -> dict[str, Any]:
    """What is on disk of a task, and all that is wrong with it; images in `whole` are known."""
    from sweeper.tasks import inventory
    from sweeper.tasks.verify import verify

    entry = inventory.entry(name, Path.cwd())
    state, problems = entry.state, list[str]()
    broken = 0 if state == "on disk" else None  # None: not counted
    if state == "damaged":
        problems = entry.text.splitlines()
    elif state == "missing" and named:
        problems = [f"task '{name}': {entry.text}"]
    if entry.found is not None:
        stderr.print(f"{name}: decoding {sum(entry.sizes.values()):,} images", markup=False)
        verdict = verify(entry.found, whole)
        broken, problems = verdict.broken, [str(problem) for problem in verdict.problems]
        state = "damaged" if broken else state
        if more := broken - len(problems):
            problems.append(f"task '{name}': {more:,} more")
    return {
        "name": entry.name,
        "state": state,
        "count": entry.count,
        "sizes": entry.sizes,
        "rule": entry.rule,
        "data": entry.data,
        "broken": broken,
        "problems": problems,
    }
