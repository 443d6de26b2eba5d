"""What a report says, for machines: CSV of cells, of trials and of its tables, and one JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd

from reports.document import Grid, plain
from reports.entry import Entry
from reports.footnote import ON_TEST
from reports.header import statuses
from reports.incidents import incident_data
from reports.order import comparisons
from reports.query import Recording
from reports.table_data import table_data

SCHEMA = 1  # of report.json


def cells_csv(found: Mapping[str, Entry]) -> bytes:
    """One row a cell, in the order of the plan; accuracies as fractions."""
    return _csv(pd.DataFrame([_cell(entry) for entry in found.values()]))


def _cell(entry: Entry) -> dict[str, Any]:
    summary, cell = entry.summary, entry.cell
    return {
        "cell": cell.id,
        "link": entry.link,
        **{f"over.{key}": value for key, value in cell.over.items()},
        **{f"role.{role.axis}": role.label for role in cell.roles},
        "n_seeds": summary.n if summary else 0,
        "test_acc_mean": summary.mean if summary else None,
        "test_acc_std": summary.std if summary else None,
        "test_acc_ci95": summary.ci95 if summary else None,
        "deterministic": entry.scores.deterministic,
        "too_few_seeds": entry.too_few,
        "planned": len(cell.trials),
        "holes": "; ".join(entry.holes),
        "remarks": "; ".join(entry.remarks),
        "skip": cell.skip,
        "trainable_parameters": entry.trainable_parameters,
        **{f"config.{key}": value for key, value in cell.config.items()},
    }


def trials_csv(recording: Recording, found: Mapping[str, Entry]) -> bytes:
    """One row a trial, with the remarks of its cell. A trial that a search drew has no cell."""
    trials = recording.trials
    selections = trials.get("config.selection", pd.Series("", index=trials.index))
    told = []
    for cell, selection in zip(trials["cell"], selections, strict=True):
        own = (ON_TEST,) if selection == "best_test" else ()
        told.append("; ".join(found[cell].remarks if cell in found else own))
    return _csv(trials.assign(remarks=told))


def grid_csv(grid: Grid) -> bytes:
    """A table as it is printed, without its looks and links."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(map(plain, grid.headers))
    writer.writerows(map(plain, row) for row in grid.rows)
    return buffer.getvalue().encode()


def report_data(recording: Recording, found: Mapping[str, Entry]) -> dict[str, Any]:
    """What `report.json` says: where the report comes from, its tables, and the order of methods.

    Accuracies of `order` are fractions; a row of `tables` names its unit.
    """
    plan, launch, trials = recording.plan, recording.launch, recording.trials
    return {
        "schema": SCHEMA,
        "sweep": plan.sweep,
        "profile": plan.profile,
        "plan": plan.digest,
        "seeds": plan.seeds,
        "launch": {"run": launch.run_id, "launched": launch.launched, **launch.provenance},
        "trials": statuses(recording),
        "skipped_cells": sum(1 for cell in plan.cells if cell.skip),
        "seconds": float(trials["seconds"].sum()) if len(trials) else 0.0,
        "tables": [row for one in plan.tables for row in table_data(one, recording, found)],
        "order": [
            {
                "column": dict(step.column),
                "lower": step.lower,
                "higher": step.higher,
                "verdict": step.verdict,
                "difference": asdict(step.change) if step.change else None,
                "too_few_seeds": step.too_few,
            }
            for step in comparisons(plan, found)
        ],
        "incidents": incident_data(recording),
    }


def json_bytes(data: Mapping[str, Any]) -> bytes:
    """A JSON document; what is no finite number is null."""
    text = json.dumps(_finite(data), indent=1, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode(errors="replace")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


def _csv(frame: pd.DataFrame) -> bytes:
    # Whole numbers stay whole in columns that have holes.
    written = frame.convert_dtypes().to_csv(index=False, lineterminator="\n")
    return written.encode(errors="replace")
