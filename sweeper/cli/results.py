"""The results folder: store, checkpoints and reports; checked before anything is launched."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from sweeper.errors import InputError, Problem
from sweeper.execution.copied import is_copy
from sweeper.spec.file_name import misfit
from sweeper.spec.plan import Plan

ROOM = 200 * 2**20  # bytes that a sweep's store, checkpoints and report may need at the start


def check_results(folder: Path) -> None:
    """Raise InputError unless `folder` can be created and written with `ROOM` bytes to spare.

    Leaves nothing behind: only a temporary file in the nearest folder that exists.
    """
    remedy = "Give another folder with --results"
    if is_copy(folder):
        raise InputError(
            Problem(
                "--results",
                f"'{folder.absolute()}', Ray's copy of the job's working directory",
                "a folder that outlives the job",
                "Give --results or SWEEPER_RESULTS an absolute path on storage that every node "
                "reaches",
            )
        )
    nearest = folder.absolute()
    while not nearest.exists():
        nearest = nearest.parent
    if not nearest.is_dir():
        raise InputError(Problem("--results", f"'{nearest}' is a file", "a folder", remedy))
    try:
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(b"0" * 4096)
            file.flush()
    except OSError as error:
        raise InputError(
            Problem("--results", f"'{nearest}': {error.strerror}", "a writable folder", remedy)
        ) from error
    free = shutil.disk_usage(nearest).free
    if free < ROOM:
        raise InputError(
            Problem(
                "--results",
                f"'{nearest}' has {free / 2**20:.0f} MiB free",
                f"at least {ROOM / 2**20:.0f} MiB",
                f"Free some space, or: {remedy[0].lower()}{remedy[1:]}",
            )
        )


def report_folder(results: Path, plan: Plan) -> Path:
    """Where the report goes: `<results>/<sweep>/<profile>`; no third part without profiles.

    Raises InputError where the plan, which a store may hold, has names that lead elsewhere.
    """
    for what, name in (("sweep", plan.sweep), ("profile", plan.profile or plan.sweep)):
        if rule := misfit(name):
            raise InputError(Problem(what, f"{name!r}", rule))
    return results / plan.sweep / plan.profile


def work_folder(results: Path, plan: Plan) -> Path:
    """Where launches of a sweep and profile have their checkpoints, tracebacks and Tune's files.

    Another sweep that trains the same trial at the same time does so in a folder of its own.
    """
    return results / "work" / plan.file_name
