"""`compare`: two sweeps, or two revisions of one, side by side."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweeper.cli import options
from sweeper.cli.output import print_json, print_line, print_rows
from sweeper.errors import InputError, Problem
from sweeper.spec.measure import TOP1

if TYPE_CHECKING:
    from reports.compare import Comparison, Pair
    from reports.entry import Entry
    from reports.query import Recording

To = Annotated[
    Path | None, typer.Option("--to", help="Write it as Markdown and HTML into this folder.")
]
Side = Annotated[str, typer.Argument(help="SWEEP[:PROFILE][@PLAN or ~LAUNCHES BACK]")]
WRITTEN = re.compile(
    r"(?P<sweep>[^:@~]+)(:(?P<profile>[^:@~]+))?(@(?P<digest>[0-9a-f]{1,16})|~(?P<back>\d{1,4}))?"
)


def compare(
    first: Side,
    second: Side,
    store: options.Store = None,
    results: options.Results = options.DEFAULT_RESULTS,
    to: To = None,
    json: options.Json = False,
) -> None:
    """Two sweeps, or two revisions of one, side by side with paired differences.

    `sweeper compare pgn_ablation~1 pgn_ablation` sets the newest launch beside the one before,
    `sweeper compare mine@3f2a mine:paper` a plan by the beginning of its digest beside a profile.
    """
    from reports.compare import compare as pair_up

    uri = options.store_uri(store, results)
    sides = [_which(written, where) for written, where in ((first, "first"), (second, "second"))]
    found = pair_up(*(_load(uri, side) for side in sides))
    if to is not None:
        _write(found, to)
    if json:
        print_json("compare", **_plain(found))
        return
    _print(found)


def _write(found: Comparison, folder: Path) -> None:
    from reports.build import write
    from reports.compare import compare_blocks
    from reports.html import html
    from reports.markdown import markdown

    blocks = compare_blocks(found)
    files = {"compare.md": markdown(blocks).encode(), "compare.html": html(blocks).encode()}
    try:
        write(files, folder)
    except OSError as error:
        got, rule = f"'{folder}': {error.strerror}", "a folder that can be written"
        raise InputError(Problem("--to", got, rule)) from error


def _which(written: str, where: str) -> dict[str, Any]:
    match = WRITTEN.fullmatch(written)
    if match is None:
        rule = "SWEEP, SWEEP:PROFILE, SWEEP@PLAN or SWEEP~1"
        hint = "PLAN is the beginning of a digest, ~1 the launch before the newest."
        raise InputError(Problem(f"{where} sweep", f"'{written}'", rule, hint))
    name = match["sweep"]
    return {
        "sweep": Path(name).stem if name.endswith((".yaml", ".yml")) else name,
        "profile": match["profile"],
        "digest": match["digest"] or "",
        "back": int(match["back"] or 0),
    }


def _load(uri: str, side: dict[str, Any]) -> Recording:
    from reports.query import load

    return load(uri, side["sweep"], side["profile"], digest=side["digest"], back=side["back"])


def _print(found: Comparison) -> None:
    """What `compare_blocks` says, for a terminal."""
    from reports.compare import compare_blocks
    from reports.document import Bullets, Grid, Heading, Paragraph

    for block in compare_blocks(found):
        if isinstance(block, Heading):
            print_line(block.title)
        elif isinstance(block, Paragraph):
            print_line(_said(block.content))
        elif isinstance(block, Bullets):
            for item in block.items:
                print_line(f"  {_said(item)}")
        elif isinstance(block, Grid):
            headers = [_said(each) for each in block.headers]
            print_rows(headers, [[_said(cell) for cell in row] for row in block.rows])
            for note in block.notes:
                print_line(_said(note))


def _said(content: Any) -> str:
    return "".join(span.text for span in content)


def _plain(found: Comparison) -> dict[str, Any]:
    from reports.compare import shared

    def pair(each: Pair) -> dict[str, Any]:
        change = each.change
        return {
            "cell": each.name,
            "first": _score(each.first),
            "second": _score(each.second),
            "change": None if change is None else vars(change),
            "verdict": "the same trials" if each.same else each.verdict,
            "settings": {name: list(values) for name, values in each.settings.items()},
        }

    return {
        "first": found.first.plan.digest,
        "second": found.second.plan.digest,
        "differs_everywhere": {name: [one, two] for name, one, two in shared(found)},
        "pairs": [pair(each) for each in found.pairs],
        "only_first": list(found.only_first),
        "only_second": list(found.only_second),
    }


def _score(entry: Entry) -> dict[str, Any]:
    from reports.value import value_of

    summary = value_of(entry, TOP1).summary
    return {
        "cell": entry.cell.id,
        "link": entry.link,
        **(vars(summary) if summary else {"n": 0, "mean": None, "std": None, "ci95": None}),
    }
