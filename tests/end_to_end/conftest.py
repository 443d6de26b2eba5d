"""One undisturbed run of the smoke sweep, which every test of this folder compares with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.end_to_end.command import RUN, sweeper


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the smoke sweep has run once; `undisturbed.csv` are its cells then."""
    where = tmp_path_factory.mktemp("smoke")
    ran = sweeper(*RUN, folder=where)
    assert ran.returncode == 0, ran.stderr
    shutil.copy(where / "results" / "smoke" / "cells.csv", where / "undisturbed.csv")
    return where
