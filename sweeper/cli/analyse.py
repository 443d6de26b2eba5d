"""`analyse`: a trained trial looked into, with tables, a summary and pictures for its run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweeper.cli import options
from sweeper.cli.export import TrialId
from sweeper.cli.output import print_json, print_line, stderr
from sweeper.errors import InputError, Problem, nearest
from sweeper.spec.analyses import LIMIT, SPLIT

Names = Annotated[
    list[str] | None,
    typer.Argument(help="Analyses by name; default: all that apply to the trial's method."),
]
To = Annotated[
    Path | None, typer.Option("--to", help="Folder to write; default: analysis/ in the results.")
]
SplitName = Annotated[str, typer.Option("--split", help="Images to look at: val or test.")]
Limit = Annotated[int | None, typer.Option("--limit", help="At most this many images.")]
Reference = Annotated[
    str,
    typer.Option(
        "--reference",
        help="The task that `distance` measures from; default: shapes, or imagenet for a released "
        "backbone.",
    ),
]


def analyse(
    trial: TrialId,
    analyses: Names = None,
    split: SplitName = SPLIT,
    limit: Limit = LIMIT,
    reference: Reference = "",
    to: To = None,
    store: options.Store = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
) -> None:
    """Look into a finished trial: attention, mutual information, clusterings, variances.

    Writes tables, summaries and pictures, and keeps them with the trial's run in MLflow.
    """
    from sweeper.analysis.making import device
    from sweeper.analysis.restored import Restorer
    from sweeper.analysis.study import ANALYSES
    from sweeper.tracking.analysed import keep, refuse
    from sweeper.tracking.store import open_store
    from sweeper.tracking.trained import find_trial

    unknown = [name for name in analyses or () if name not in ANALYSES]
    if unknown:
        rule = f"an analysis: {', '.join(ANALYSES)}"
        raise InputError(
            Problem("analysis", f"'{each}'", rule, nearest(each, list(ANALYSES)))
            for each in unknown
        )
    opened = open_store(options.store_uri(store, results))
    found = find_trial(opened, trial)
    subject = Restorer(opened, device()).subject(
        found,
        split=split,  # type: ignore[arg-type] # it checks
        limit=limit,
        reference=reference,
    )
    folder = to or results / "analysis" / found.trial_id
    folder.mkdir(parents=True, exist_ok=True)
    made, refused = [], []
    for name in analyses or ANALYSES:
        try:
            ANALYSES[name](subject, folder)
        except InputError as error:
            if analyses:
                raise
            refuse(opened, found, name, str(error))
            refused += error.problems
        else:
            keep(opened, found, name, folder)
            made.append(name)
    if json:
        print_json("analyse", id=found.trial_id, folder=str(folder), analyses=made)
        return
    for problem in refused:
        stderr.print(f"left out: {problem}", markup=False, soft_wrap=True)
    print_line(f"{folder}: {', '.join(made)}")
