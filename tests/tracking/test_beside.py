"""Two launches that share trials, at the same time on one store: nothing is corrupted."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import pytest

from reports import query
from sweeper.spec.plan import Plan
from sweeper.tracking import history, names
from sweeper.tracking.lease import held
from sweeper.tracking.store import open_store
from sweeper.tracking.writer import Writer
from tests.tracking import made


def plan(sweep: str, profile: str, lengths: tuple[int, ...]) -> Plan:
    cells = tuple(made.cell(prompt_length=length) for length in lengths)
    return Plan(sweep=sweep, profile=profile, seeds=made.SEEDS, cells=cells)


@pytest.mark.parametrize(
    ("first", "second"),
    [(("a", "demo"), ("b", "demo")), (("a", "demo"), ("a", "paper"))],
    ids=["two sweeps", "two profiles"],
)
def test_what_two_launches_train_side_by_side_is_whole_in_both_reports(
    tmp_path: Path, first: tuple[str, str], second: tuple[str, str]
) -> None:
    uri = made.blank_store(tmp_path).uri
    plans = [plan(*first, (1, 4, 8)), plan(*second, (8, 4, 2))]
    opened, failed = threading.Barrier(2, timeout=300), []

    def run(each: Plan) -> None:
        try:
            store = open_store(uri)
            with held(store, each), Writer(store, each) as writer:
                opened.wait()  # neither knows what the other is about to train
                for spec in each.trials():
                    made.train(writer, spec)
        except BaseException as error:
            failed.append(error)
            opened.abort()
            raise

    threads = [threading.Thread(target=run, args=(each,)) for each in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    store = open_store(uri)
    for each in plans:
        rows = query.load(uri, each.sweep, each.profile).trials.set_index("trial")
        assert list(rows["status"].unique()) == ["finished"]
        for spec in each.trials():
            assert rows.loc[spec.id, "test_acc"] == made.accuracy(spec)
    there = list(history.experiments(store).values())
    runs = store.client.search_runs(there, f"tags.`{names.KIND}` = '{names.TRIAL}'")
    assert {run.info.status for run in runs} == {"FINISHED"}
    counts = Counter(run.data.tags[names.TRIAL_ID] for run in runs)
    assert set(counts) == {spec.id for each in plans for spec in each.trials()}
    assert max(counts.values()) <= 2
    for cell in plans[0].cells:
        run = history.recorded_cells(store, plans[0].sweep)[cell.id]
        mean = sum(made.accuracy(spec) for spec in cell.trials) / len(cell.trials)
        assert run.data.metrics["test/acc_mean"] == pytest.approx(mean)
