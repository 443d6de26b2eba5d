"""A store written by the real writer, with every kind of trial, and the report of it."""

import re
from pathlib import Path

import pytest

from reports.build import build
from sweeper.records import TrialStatus
from sweeper.spec.plan import Cell, Plan, Role
from sweeper.tracking.writer import Writer
from tests.tracking import made

ODD = "tex|tures *bold* `x` 5%_<b>"


def the_plan() -> Plan:
    plan = made.ablation(tasks=("digits", ODD))
    skipped = Cell(
        id="s" * 16,
        config=plan.cells[0].config,
        over={"task": "digits"},
        roles=(Role(axis="prompt_length", label="4096", value=4096),),
        skip="takes at most 1000 prompts",
    )
    return plan.model_copy(update={"cells": (*plan.cells, skipped)})


def cell_of(plan: Plan, label: str, task: str = "digits", axis: str = "prompt_length") -> Cell:
    (found,) = [
        cell
        for cell in plan.cells
        if cell.over == {"task": task}
        and any((r.axis, r.label) == (axis, label) for r in cell.roles)
    ]
    return found


def squeezed(text: str) -> str:
    """Markdown without the spaces that align its tables and the labels of its links."""
    return re.sub(r"\]\[\d+\]", "]", re.sub(r" +", " ", text))


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """Everything finished but: one diverged, one failed, one running, two missing."""
    store = made.blank_store(tmp_path_factory.mktemp("store"))
    plan = the_plan()
    one, four = cell_of(plan, "1", ODD), cell_of(plan, "4", ODD)
    special = {
        one.trials[0].id: TrialStatus.DIVERGED,
        one.trials[1].id: TrialStatus.FAILED,
        four.trials[0].id: TrialStatus.RUNNING,
    }
    missing = {trial.id for trial in four.trials[1:]}
    with Writer(store, plan) as writer:
        for spec in plan.trials():
            status = special.get(spec.id, TrialStatus.FINISHED)
            if spec.id in missing:
                continue
            if status is TrialStatus.RUNNING:
                writer.trial_started(spec, 1)
            else:
                made.train(writer, spec, made.result(spec, status))
    return store


@pytest.fixture(scope="session")
def folder(store, tmp_path_factory) -> Path:
    return build(store.uri, "ablation", tmp_path_factory.mktemp("report") / "new").parent


@pytest.fixture(scope="session")
def text(folder) -> str:
    return squeezed((folder / "report.md").read_text())
