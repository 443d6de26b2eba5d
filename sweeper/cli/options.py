"""The options that several commands share, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeper.errors import InputError, Problem

SweepFile = Annotated[Path, typer.Argument(help="A sweep file, such as search_spaces/x.yaml.")]
SweepName = Annotated[str, typer.Argument(help="A sweep's name, or its file.")]
Profile = Annotated[
    str | None, typer.Option("--profile", "-p", help="Profile of the sweep file; default: demo.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="key=value over the sweep file's `base`; repeatable."),
]
Seeds = Annotated[
    str | None, typer.Option("--seeds", help="A list such as 0,1,2 or a count such as 3.")
]
Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar="MLFLOW_TRACKING_URI",
        help="MLflow tracking URI; default: SQLite in the results folder.",
    ),
]
Results = Annotated[
    Path,
    typer.Option(
        "--results",
        envvar="SWEEPER_RESULTS",
        help="Folder of the store, the checkpoints and the reports.",
    ),
]
Address = Annotated[
    str | None,
    typer.Option("--address", envvar="RAY_ADDRESS", help="A Ray cluster; default: this machine."),
]
MaxTrials = Annotated[
    int | None, typer.Option("--max-trials", min=1, help="Train at most this many trials now.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]

DEFAULT_RESULTS = Path("results")


def parse_settings(items: list[str] | None) -> dict[str, str]:
    """The `--set` options as a mapping; all malformed ones are reported at once."""
    problems = [
        Problem("--set", f"'{item}'", "key=value", "For example --set epochs=5")
        for item in items or []
        if "=" not in item or item.startswith("=")
    ]
    if problems:
        raise InputError(problems)
    return dict(item.split("=", 1) for item in items or [])


def parse_seeds(text: str | None) -> list[int] | None:
    """`0,1,2` is a list of seeds, `3` is a count, None leaves the sweep file's own."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() for part in parts):
        raise InputError(
            Problem("--seeds", f"'{text}'", "whole numbers", "For example --seeds 3, or 0,1,2")
        )
    seeds = [int(part) for part in parts]
    if len(seeds) == 1 and "," not in text:
        if seeds[0] < 1:
            raise InputError(Problem("--seeds", f"'{text}'", "a count of at least 1"))
        return list(range(seeds[0]))
    return list(dict.fromkeys(seeds))


def store_uri(store: str | None, results: Path) -> str:
    """The tracking URI: what was asked for, or SQLite in the results folder."""
    return store or f"sqlite:///{results.resolve() / 'mlflow.db'}"
