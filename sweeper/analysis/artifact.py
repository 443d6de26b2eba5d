"""The table and the summary of an analysis: a CSV in long form, a JSON beside it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sweeper.analysis.subject import Subject


def write(
    folder: Path,
    name: str,
    subject: Subject,
    *,
    columns: Mapping[str, str],
    rows: Iterable[Sequence[object]],
    source: str,
    results: Mapping[str, object],
    pictures: Sequence[str] = (),
) -> None:
    """Write `<name>.csv` and `<name>.json` into `folder`, which is made where there is none.

    `columns` says of each column of the table what it is and in which unit; the JSON repeats it,
    with where the measure comes from, what was read, `results`, and the names of the `pictures` of
    it, whose files have the endings in `picture.ENDINGS`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    summary = {
        "analysis": name,
        "source": source,
        "method": subject.method,
        "backbone": subject.backbone.info.name,
        "task": subject.task.info.name,
        "split": subject.split,
        "limit": subject.limit,
        "reference": subject.reference,
        "images": len(subject.places),
        "seed": subject.seed,
        "columns": dict(columns),
        "results": dict(results),
        "pictures": list(pictures),
    }
    text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
