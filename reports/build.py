"""A report in a folder: Markdown, HTML, LaTeX, CSV, JSON and figures, from the store alone.

The same store and the same code give the same bytes, wherever and whenever it is built.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from reports import query
from reports.data import cells_csv, grid_csv, json_bytes, report_data, trials_csv
from reports.document import Grid, Heading, Picture
from reports.entry import entries
from reports.html import html
from reports.latex import latex
from reports.markdown import markdown
from reports.query import Recording
from reports.source import SOURCE, Source
from reports.text import report_blocks

REPORT = "report.md"
TABLES = "tables"  # the folder of each table's own files
_OURS = {".md", ".html", ".json", ".csv", ".tex", ".svg", ".pdf", ".png"}


def build(store_uri: str, sweep: str, out: Path, profile: str | None = None) -> Path:
    """Writes the report of the newest launch of `sweep` into `out`; returns its `report.md`.

    Raises StoreError if the store or the launch is not there.
    """
    write(report_files(query.load(store_uri, sweep, profile)), out)
    return out / REPORT


def report_files(recording: Recording) -> dict[str, bytes]:
    """Every file of a report: its place in the folder -> its content."""
    found = entries(recording)
    blocks = report_blocks(recording, found)
    files = {
        REPORT: markdown(blocks).encode(),
        "report.html": html(blocks).encode(),
        "report.json": json_bytes(report_data(recording, found)),
        "cells.csv": cells_csv(found),
        "trials.csv": trials_csv(recording, found),
        SOURCE: Source.of(recording).model_dump_json(indent=1).encode() + b"\n",
    }
    title = ""
    for block in blocks:
        match block:
            case Heading():
                title = block.title
            case Grid(name=name) if name:
                files[f"{TABLES}/{name}.tex"] = latex(block, title).encode()
                files[f"{TABLES}/{name}.csv"] = grid_csv(block)
            case Picture():
                files |= {f"{block.name}.{kind}": data for kind, data in block.files.items()}
    return files


def write(files: Mapping[str, bytes], out: Path) -> None:
    """Writes `files` into the folder `out`, each as a whole; leaves others there alone."""
    for name, data in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_bytes(data)
        draft.replace(path)


def left_over(files: Mapping[str, bytes], out: Path) -> list[str]:
    """What a report left in `out` that `files` do not have: of an earlier layout, plan or code."""
    there = [*out.glob("*.*"), *(out / TABLES).glob("*.*")]
    names = {path.relative_to(out).as_posix() for path in there if path.suffix in _OURS}
    return sorted(names - set(files))
