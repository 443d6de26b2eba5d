"""`deliver`: what waits on disk since the store was away; `run` and `resume` do the same first."""

from __future__ import annotations

import os
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from sweeper.cli import options
from sweeper.cli.output import print_json, print_line, stderr

NamedStore = Annotated[
    str | None,
    typer.Option("--store", help="MLflow tracking URI; default: the store that they wait for."),
]


def deliver(
    store: NamedStore = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
) -> None:
    """Record what waits in the results folder since the store was away or a launch was killed."""
    from sweeper.tracking import delivery

    known = os.environ.get("MLFLOW_TRACKING_URI")
    to = partial(delivery.address, results=results, known=known)
    done = []
    for batch in delivery.deliver(results, lambda written: store or to(written)):
        done.append(batch)
        if not json:
            print_line(f"delivered {batch}")
    if json:
        print_json("deliver", delivered=[asdict(batch) for batch in done])
    elif not done:
        print_line(f"nothing waits in {results}")


def deliver_to(uri: str, results: Path) -> None:
    """Deliver what waits for the store `uri`; say what was delivered, and what waits for others."""
    from sweeper.tracking import delivery

    own = delivery.written(uri, results)
    for batch in delivery.deliver(results, lambda written: uri if written == own else None):
        _say(f"delivered {batch} that waited in {batch.path}")
    say_waiting(results)


def say_waiting(results: Path) -> None:
    """Say on stderr which records wait; nothing where none do."""
    from sweeper.tracking import delivery

    for batch in delivery.waiting(results):
        _say(f"{batch} wait in {batch.path} for {batch.store}; `sweeper deliver` records them")


def _say(line: str) -> None:
    stderr.print(line, markup=False, soft_wrap=True)
