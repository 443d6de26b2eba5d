"""A worker that dies, or a trial that raises once: the same table, and nothing trained twice."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.chaos.world import order, run, same, slow

pytestmark = slow


def test_a_worker_that_dies_and_a_trial_that_raises_leave_no_trace_in_the_table(
    tmp_path: Path, undisturbed: pd.DataFrame
) -> None:
    order("one", "die", after=30)
    order("two", "raise", after=30)
    same(run(tmp_path), undisturbed)
