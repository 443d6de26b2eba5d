"""Where the command line writes: stdout is data, stderr is progress and errors."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

from sweeper.redaction import redacted

SCHEMA_VERSION = 1  # of what --json prints

# Lines stay whole: a secret that is broken in two could not be told.
stderr = Console(stderr=True, highlight=False, soft_wrap=True)


class Redacted:
    """A stream on which no secret is seen, whoever writes: this program, a library, Python itself
    when it ends with an error.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """The length of `text`, as if all of it had been written."""
        self._stream.write(redacted(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Each of `lines` as it is told."""
        for line in lines:
            self.write(line)


def redact_streams() -> None:
    """From here on nothing on stdout and stderr tells a secret."""
    for name in ("stdout", "stderr"):
        if not isinstance(stream := getattr(sys, name), Redacted):
            setattr(sys, name, Redacted(stream))


def print_json(kind: str, **data: Any) -> None:
    """One JSON document on stdout, with its kind and the version of its schema."""
    document = {"schema": SCHEMA_VERSION, "kind": kind, **data}
    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")


def print_rows(headers: list[str], rows: list[list[str]]) -> None:
    """A table on stdout: aligned on a terminal, tab-separated in a pipe."""
    if not sys.stdout.isatty():
        sys.stdout.writelines("\t".join(row) + "\n" for row in [headers, *rows])
        return
    table = Table(box=None, pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*map(redacted, row))  # cells are folded
    Console(highlight=False, markup=False).print(table)


def print_line(text: str) -> None:
    """One line of data on stdout."""
    sys.stdout.write(text + "\n")


def duration(seconds: float) -> str:
    """`seconds` as a person says it: 42 s, 3 min 20 s, 1 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
