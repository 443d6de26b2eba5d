"""The folders that Ray copies a job's files to, for the time of the job. Imports no ray."""

from __future__ import annotations

import itertools
from pathlib import Path

COPIES = ("runtime_resources", "working_dir_files")  # below Ray's session, on every node


def is_copy(path: Path) -> bool:
    """Whether `path` lies in a copy that `ray job submit --working-dir` made."""
    parts = path.resolve().parts
    return any(pair == COPIES for pair in itertools.pairwise(parts))
