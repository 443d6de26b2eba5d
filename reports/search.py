"""What an adaptive search found: its best configurations, what mattered, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports.configuration import absent, count, percent, setting, settings, typed
from reports.document import Block, Grid, Heading, Paragraph, Picture, Span, text
from reports.drawing.search import Axle, Costs, draw_fronts, draw_parallel
from reports.footnote import ON_TEST, Footnotes
from reports.query import Recording, early_metric
from reports.study import FEWEST, FORESTS, front, importances
from sweeper.records import TrialStatus
from sweeper.spec.plan import Search

TOP = 10
COSTS = {
    "trainable_parameters": "trainable parameters",
    "seconds": "seconds of training and evaluation",
}


@dataclass(frozen=True)
class Found:
    """The drawn trials by falling validation accuracy, and what was not trained of them."""

    ranked: pd.DataFrame
    stopped: int
    epochs_saved: int
    epochs_asked: int
    seconds_saved: float  # at the pace of each stopped trial


def found(recording: Recording) -> Found:
    """Of a plan with a search. Selection reads validation only; test is shown beside it."""
    planned = {spec.id for spec in recording.plan.trials()}
    frame = recording.trials
    drawn = frame[~frame["trial"].isin(planned)]
    if drawn.empty:
        return Found(drawn, 0, 0, 0, 0.0)
    stopped = drawn[drawn["status"] == str(TrialStatus.STOPPED)]
    left = stopped["config.epochs"] - stopped["epochs"]
    pace = stopped["seconds"] / stopped["epochs"].where(stopped["epochs"] > 0)
    ranked = drawn.sort_values(["val_acc", "trial"], ascending=[False, True], na_position="last")
    asked = int(drawn["config.epochs"].sum())
    return Found(ranked, len(stopped), int(left.sum()), asked, float((left * pace).sum()))


def search_blocks(recording: Recording) -> list[Block]:
    """The section of the report; empty where a plan has no search."""
    search = recording.plan.search
    if search is None:
        return []
    result = found(recording)
    if result.ranked.empty:
        return [Heading(2, "Search"), _summary(search, result)]
    done = result.ranked[result.ranked["status"] == str(TrialStatus.FINISHED)]
    blocks: list[Block] = [Heading(2, "Search"), _summary(search, result), *_best(search, done)]
    blocks += [Heading(3, "The best configurations"), _ranking(search, result.ranked)]
    blocks += _importance(search, recording, result.ranked)
    if len(done):
        blocks += _fronts(search, done)
        blocks += _parallel(search, result.ranked, done)
    return blocks


def _summary(search: Search, result: Found) -> Paragraph:
    counts = ", ".join(
        f"{n} {status}" for status, n in sorted(result.ranked["status"].value_counts().items())
    )
    said = (
        f"{search.method}, {len(result.ranked)} of {search.num_trials} configurations drawn "
        f"({counts or 'none yet'}). "
    )
    if search.early_terminate is not None:
        share = result.epochs_saved / result.epochs_asked if result.epochs_asked else 0.0
        said += (
            f"{result.stopped} were stopped early, which saved {result.epochs_saved} of "
            f"{result.epochs_asked} epochs ({share:.0%}), about {result.seconds_saved:.0f} s at "
            "the pace of each. Whether one of them would have come first nobody knows. "
        )
    return Paragraph(text(said.strip()))


def _best(search: Search, done: pd.DataFrame) -> list[Block]:
    """What to type to train the best configuration that was trained to the end."""
    if done.empty:
        return []
    best = done.iloc[0]
    given = [(name, best.get(f"config.{name}")) for name in search.space]
    options = " ".join(f"--set {name}={typed(v)}" for name, v in given if not absent(v))
    said = f"Best of those trained to the end, by validation ({percent(best['val_acc'])} %): "
    return [Paragraph(text(said, Span(options, code=True), "."))]


def _ranking(search: Search, ranked: pd.DataFrame) -> Grid:
    names = sorted(search.space)
    best = ranked.head(TOP).to_dict("records")
    notes = Footnotes.of([(ON_TEST,)] if any(map(_on_test, best)) else [])
    rows = []
    for place, trial in enumerate(best, start=1):
        signs = notes.mark((ON_TEST,)) if _on_test(trial) else ()
        rows.append(
            (
                text(str(place)),
                *(text(setting(trial.get(f"config.{name}"))) for name in names),
                text(Span(percent(trial["val_acc"]), link=str(trial.get("link") or ""))),
                text(percent(trial["test_acc"]), *signs),
                text(count(trial["trainable_parameters"])),
                text(count(trial["seconds"])),
                text(str(trial["epochs"])),
                text(str(trial["status"])),
            )
        )
    ends = ["val top-1, %", "test top-1, %", "trainable", "seconds", "epochs", "status"]
    rule = (
        "Ranked by the newest validation accuracy; one seed each, so neighbours in this table are "
        "not told apart."
    )
    return Grid(
        headers=tuple(text(name) for name in ["place", *names, *ends]),
        rows=tuple(rows),
        name="search",
        caption="The configurations with the highest validation accuracy.",
        notes=(text(rule), *notes.texts()),
    )


def _importance(search: Search, recording: Recording, ranked: pd.DataFrame) -> list[Block]:
    halving = search.early_terminate
    metric = search.metric.name
    if halving is None:
        done = ranked[ranked["status"] == str(TrialStatus.FINISHED)]
        values = dict(zip(done["trial"], done[metric.replace("/", "_")], strict=True))
        when = "at the end of training"
    else:  # what was stopped has no end: all are compared where all have been
        values = early_metric(recording, list(ranked["trial"]), metric, halving.min_iter)
        when = f"after {halving.min_iter} epochs, where early stopping first looks"
    known = {trial: value for trial, value in values.items() if not absent(value)}
    trials = [
        (settings(search, trial), float(known[trial["trial"]]))
        for trial in ranked.to_dict("records")
        if trial["trial"] in known
    ]
    shares = importances(search.space, trials)
    title = Heading(3, "Which parameters mattered")
    if not shares:
        said = (
            f"{len(trials)} trials have a {metric} {when}: too few to say which parameter moved it "
            f"({FEWEST} are needed, with different values)."
        )
        return [title, Paragraph(text(said))]
    told = {share.parameter for share in shares}
    others = ", ".join(sorted(set(search.space) - told))
    said = (
        f"Share of the variance of {metric} {when}, over {len(trials)} trials, that each parameter "
        f"explains (fANOVA, mean and range of {FORESTS} random forests)."
    )
    if others:
        said += f" Not said of {others}: not every trial has a value of its own there."
    rows = [
        (text(each.parameter), text(f"{each.mean:.2f}"), text(f"{each.low:.2f} to {each.high:.2f}"))
        for each in shares
    ]
    headers = (text("parameter"), text("importance"), text("range"))
    return [title, Grid(headers, rows, name="search_importance", caption=said)]


def _fronts(search: Search, done: pd.DataFrame) -> list[Block]:
    trials = done.to_dict("records")
    panels, members = [], dict.fromkeys(range(0))
    for column, label in COSTS.items():
        points = [(100 * trial["val_acc"], float(trial[column])) for trial in trials]
        best = front(points)
        panels.append(Costs(label, points, best, [str(place + 1) for place in best]))
        members |= dict.fromkeys(best)
    names = sorted(search.space)
    rows = [
        (
            text(str(place + 1)),
            *(text(setting(trials[place].get(f"config.{name}"))) for name in names),
            text(percent(trials[place]["val_acc"])),
            *(text(count(trials[place][column])) for column in COSTS),
            text(", ".join(p.label.split(" ")[0] for p in panels if place in p.front)),
        )
        for place in sorted(members)
    ]
    caption = (
        "Pareto fronts: nothing trained to the end has a higher validation accuracy for as many "
        "trainable parameters, or for as many seconds."
    )
    headers = ["place", *names, "val top-1, %", "trainable", "seconds", "on the front of"]
    return [
        Heading(3, "Accuracy against cost"),
        Picture("search_front", caption, draw_fronts(panels)),
        Grid([text(name) for name in headers], rows, name="search_front", caption=caption),
    ]


def _parallel(search: Search, ranked: pd.DataFrame, done: pd.DataFrame) -> list[Block]:
    stopped = ranked[ranked["status"] == str(TrialStatus.STOPPED)]
    ended = [(settings(search, t), 100 * t["val_acc"]) for t in done.to_dict("records")]
    faint = [settings(search, trial) for trial in stopped.to_dict("records")]
    axles = []
    for name, plain in search.space.items():
        values = [s[name] for s in [*(s for s, _ in ended), *faint] if name in s]
        if not values:
            continue
        if plain["kind"] == "choice":
            axles.append(Axle(name, [str(each) for each in plain["values"]]))
        else:
            log = plain["kind"] == "log_uniform" or bool(plain.get("log"))
            axles.append(Axle(name, log=log and min(values) > 0))
    caption = (
        "Each line is a configuration through its settings, its colour the validation accuracy at "
        "the end; grey: stopped early."
    )
    picture = Picture("search_parallel", caption, draw_parallel(axles, ended, faint))
    return [Heading(3, "Parallel coordinates"), picture, Paragraph(text(caption), note=True)]


def _on_test(trial: Mapping[Any, object]) -> bool:
    return trial.get("config.selection") == "best_test"
