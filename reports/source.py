"""Where a report comes from, kept beside it: what `sweeper report --check` needs to know."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from reports.query import Recording
from sweeper.errors import InputError, Problem
from sweeper.tracking.provenance import code

SOURCE = "source.json"
LAYOUT = 2  # of a report's folder; the first had no source.json
PACKAGES = ("matplotlib", "pandas", "scipy", "tabulate", "jinja2")  # that the bytes depend on


class Source(BaseModel):
    """A launch, by its plan, and the code that wrote the report of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    layout: Literal[2] = LAYOUT
    sweep: str
    profile: str
    plan: str  # digest
    written_by: dict[str, str]  # commit, whether changed since, and versions of packages

    @classmethod
    def of(cls, recording: Recording) -> Source:
        """Of a report that is written now, by this code."""
        plan = recording.plan
        written_by = code() | {name: version(name) for name in PACKAGES}
        return cls(sweep=plan.sweep, profile=plan.profile, plan=plan.digest, written_by=written_by)


def read_source(folder: Path) -> Source:
    """Of the report in `folder`. Raises InputError where there is none that can be checked."""
    path = folder / SOURCE
    hint = "Write it again with `sweeper report`, and publish that"
    if not folder.is_dir():
        raise InputError(Problem(str(folder), "no such folder", "the folder of a report"))
    if not path.is_file():
        got = f"holds no {SOURCE}: no report, or one of an older layout"
        raise InputError(Problem(str(folder), got, f"a report of layout {LAYOUT}", hint))
    try:
        return Source.model_validate_json(path.read_bytes())
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, each["loc"])) or "JSON" for each in error.errors())
        got = f"not as a report of layout {LAYOUT} writes it ({wrong})"
        raise InputError(Problem(str(path), got, f"layout {LAYOUT}", hint)) from error
