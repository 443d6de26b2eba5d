"""A report in a folder: Markdown, CSV and figures, rebuilt from the store alone.

The same store gives the same bytes, wherever and whenever it is built.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from reports import figure, query
from reports.curve import Drawn, trace
from reports.entry import Entry, entries
from reports.footnote import ON_TEST
from reports.query import Recording
from reports.text import report_text

REPORT = "report.md"


def build(store_uri: str, sweep: str, out: Path, profile: str | None = None) -> Path:
    """Writes the report of the newest launch of `sweep` into `out`; returns its `report.md`.

    Each file is replaced as a whole. Raises StoreError if the store or the launch is not there.
    """
    recording = query.load(store_uri, sweep, profile)
    found = entries(recording)
    curves: dict[str, Drawn] = {}
    files: dict[str, bytes] = {}
    for curve in recording.plan.curves:
        drawn = trace(curve, recording.plan, found)
        name = "curve_" + re.sub(r"[^\w.-]+", "_", curve.id)
        curves[name] = drawn
        files[f"{name}.svg"], files[f"{name}.png"] = figure.draw(drawn, curve.axis)
    files["cells.csv"] = _csv(_cells(found))
    files["trials.csv"] = _csv(_trials(recording, found))
    files[REPORT] = report_text(recording, found, curves).encode()
    out.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        _replace(out / name, data)
    return out / REPORT


def _cells(found: Mapping[str, Entry]) -> pd.DataFrame:
    """One row a cell, in the order of the plan; accuracies as fractions."""
    rows = []
    for entry in found.values():
        summary, cell = entry.summary, entry.cell
        row = {
            "cell": cell.id,
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
        rows.append(row)
    return pd.DataFrame(rows)


def _trials(recording: Recording, found: Mapping[str, Entry]) -> pd.DataFrame:
    """One row a trial, with the remarks of its cell. A trial that a search drew has no cell."""
    told = []
    for trial in recording.trials.to_dict("records"):
        own = (ON_TEST,) if trial.get("config.selection") == "best_test" else ()
        entry = found.get(str(trial["cell"]))
        told.append("; ".join(entry.remarks if entry else own))
    return recording.trials.assign(remarks=told)


def _csv(frame: pd.DataFrame) -> bytes:
    # Whole numbers stay whole in columns that have holes.
    return frame.convert_dtypes().to_csv(index=False, lineterminator="\n").encode()


def _replace(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(data)
    draft.replace(path)
