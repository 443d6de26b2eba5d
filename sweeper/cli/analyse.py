"""`analyse`: a trained trial looked into, with tables, a summary and pictures for its run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweeper.cli import options
from sweeper.cli.export import TrialId, write_export
from sweeper.cli.output import print_json, print_line, stderr
from sweeper.errors import InputError, Problem, nearest

if TYPE_CHECKING:
    from torch import nn

    from sweeper.backbones.backbone import Backbone
    from sweeper.tasks.task import Task
    from sweeper.tracking.history import RecordedTrial
    from sweeper.tracking.store import Store

Names = Annotated[
    list[str] | None,
    typer.Argument(help="Analyses by name; default: all that apply to the trial's method."),
]
To = Annotated[
    Path | None, typer.Option("--to", help="Folder to write; default: analysis/ in the results.")
]
SplitName = Annotated[str, typer.Option("--split", help="Images to look at: val or test.")]
Limit = Annotated[int | None, typer.Option("--limit", help="At most this many images.")]


def analyse(
    trial: TrialId,
    analyses: Names = None,
    split: SplitName = "test",
    limit: Limit = 500,
    to: To = None,
    store: options.Store = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
) -> None:
    """Look into a finished trial: attention, mutual information, clusterings, variances.

    Writes tables, summaries and pictures, and keeps them with the trial's run in MLflow.
    """
    import torch

    from sweeper.analysis.study import ANALYSES, Subject
    from sweeper.tracking.artifact import attach
    from sweeper.tracking.names import ANALYSIS_FOLDER
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
    backbone = _backbone(opened, found)
    subject = Subject(
        module=_module(opened, found, backbone),
        backbone=backbone,
        task=_task(opened, found, backbone),
        seed=found.spec.seed,
        device=torch.device("cpu"),
        split=split,  # type: ignore[arg-type] # it checks
        limit=limit,
    )
    folder = to or results / "analysis" / found.trial_id
    folder.mkdir(parents=True, exist_ok=True)
    made, refused = [], []
    for name in analyses or ANALYSES:
        try:
            ANALYSES[name](subject, folder)
            made.append(name)
        except InputError as error:
            if analyses:
                raise
            refused += error.problems
    attach(opened, found, folder, ANALYSIS_FOLDER)
    if json:
        print_json("analyse", id=found.trial_id, folder=str(folder), analyses=made)
        return
    for problem in refused:
        stderr.print(f"left out: {problem}", markup=False, soft_wrap=True)
    print_line(f"{folder}: {', '.join(made)}")


def _module(store: Store, found: RecordedTrial, backbone: Backbone) -> nn.Module:
    """The method of the trial as it stood at the end of training."""
    from sweeper.exported import load
    from sweeper.tracking.trained import source_of

    if found.result is not None and found.result.trainable_parameters == 0:
        return _untrained(store, found, backbone)
    with tempfile.TemporaryDirectory(prefix="sweeper-analyse-") as place:
        folder = Path(place)
        write_export(store, found, folder)
        own = "method.py" if source_of(store, found) is not None else None
        return load(folder, backbone=backbone, method=own)


def _untrained(store: Store, found: RecordedTrial, backbone: Backbone) -> nn.Module:
    from sweeper.discovery import find
    from sweeper.train.trial import build

    plugin = find(found.spec.method, Path())
    return build(found.spec, plugin, backbone, _task(store, found, backbone)).eval()


def _backbone(store: Store, found: RecordedTrial) -> Backbone:
    """The backbone as the trial had it, from where its plan found it."""
    from sweeper.backbones import towers
    from sweeper.backbones.setting import Setting

    spec = found.spec
    path = _source(store, found, spec.weights)
    backbone = towers.load(spec.backbone, setting=Setting.of(spec.protocol), path=path)
    if backbone.info.weights != spec.weights:
        got, rule = f"its weights are {backbone.info.weights}", f"{spec.weights}, as then"
        raise InputError(Problem(f"backbone '{spec.backbone}'", got, rule))
    return backbone


def _source(store: Store, found: RecordedTrial, identity: str) -> str:
    """Where the plans of the trial found the user's file of this identity; empty for none."""
    from sweeper.tracking.history import launches, read_plan

    plans = found.used_by | {found.first_plan}
    sources = (
        read_plan(store, launch).sources
        for launch in launches(store, found.sweep)
        if launch.digest in plans
    )
    return next((each[identity] for each in sources if identity in each), "")


def _task(store: Store, found: RecordedTrial, backbone: Backbone) -> Task:
    """The task that the trial was trained on, from where its plan found it."""
    from sweeper.tasks import catalog as tasks
    from sweeper.train.trial import asked

    spec = found.spec
    name = _source(store, found, spec.data) or spec.task
    task = tasks.load(name, backbone.info.preprocessing)
    if task.info.data != spec.data:
        raise InputError(
            Problem(f"task '{name}'", f"its images are {task.info.data}", f"{spec.data}, as then")
        )
    return asked(task, spec)
