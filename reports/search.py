"""What an adaptive search found: its best configurations, and what stopping early saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.document import Block, Grid, Heading, Paragraph, Span, text
from reports.footnote import ON_TEST, Footnotes
from reports.query import Recording
from sweeper.records import TrialStatus

TOP = 10


@dataclass(frozen=True)
class Found:
    """The drawn trials by falling validation accuracy, and the epochs that were not trained."""

    ranked: pd.DataFrame
    stopped: int
    epochs_saved: int
    epochs_asked: int


def found(recording: Recording) -> Found:
    """Of a plan with a search. Selection reads validation only; test is shown beside it."""
    planned = {spec.id for spec in recording.plan.trials()}
    frame = recording.trials
    drawn = frame[~frame["trial"].isin(planned)]
    if drawn.empty:
        return Found(drawn, 0, 0, 0)
    stopped = drawn[drawn["status"] == str(TrialStatus.STOPPED)]
    saved = (stopped["config.epochs"] - stopped["epochs"]).sum()
    ranked = drawn.sort_values(["val_acc", "trial"], ascending=[False, True], na_position="last")
    return Found(ranked, len(stopped), int(saved), int(drawn["config.epochs"].sum()))


def search_blocks(recording: Recording) -> list[Block]:
    """The section of the report; empty where a plan has no search."""
    search = recording.plan.search
    if search is None:
        return []
    result = found(recording)
    names = sorted(search.space)
    rows = []
    best = result.ranked.head(TOP).to_dict("records")
    notes = Footnotes.of([(ON_TEST,)] if any(map(_on_test, best)) else [])
    for place, trial in enumerate(best, start=1):
        settings = [text(_setting(trial.get(f"config.{name}"))) for name in names]
        sign = Span(notes.mark((ON_TEST,)) if _on_test(trial) else "", sign=True)
        link = str(trial["link"])
        scores = [
            text(Span(_percent(trial["val_acc"]), link=link)),
            text(Span(_percent(trial["test_acc"]), link=link), sign),
        ]
        told = [text(str(trial[name])) for name in ("epochs", "status")]
        rows.append([text(str(place)), *settings, *scores, *told])
    counts = ", ".join(
        f"{n} {status}" for status, n in sorted(result.ranked["status"].value_counts().items())
    )
    told_first = (
        f"{search.method}, {len(result.ranked)} of {search.num_trials} configurations drawn "
        f"({counts or 'none yet'}). {result.stopped} were stopped early, which saved "
        f"{result.epochs_saved} of {result.epochs_asked} epochs. Ranked by the newest validation "
        "accuracy; one seed each, so neighbours in this table are not told apart."
    )
    headers = ["place", *names, "val top-1", "test top-1", "epochs", "status"]
    grid = Grid(
        [text(header) for header in headers],
        rows,
        name="search",
        caption="The best configurations",
        notes=[text(line) for line in notes.lines()],
    )
    return [Heading(2, "Search"), Paragraph(text(told_first)), grid]


def _on_test(trial: Mapping[Any, object]) -> bool:
    return trial.get("config.selection") == "best_test"


def _setting(value: object) -> str:
    if value is None or value != value:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}" if fraction == fraction else ""
