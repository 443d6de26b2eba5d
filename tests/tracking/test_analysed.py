"""Results of analyses as metrics: names that MLflow takes, numbers alone, nothing lost."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from reports import query
from sweeper.tracking import analysed
from sweeper.tracking.history import recorded_trials
from sweeper.tracking.store import Store
from sweeper.tracking.writer import Writer
from tests.tracking import made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found, plan = made.blank_store(tmp_path), made.ablation()
    with Writer(found, plan) as writer:
        made.train(writer, plan.cells[0].trials[0])
    return found


def left(folder: Path, results: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "cka.json").write_text(json.dumps({"results": results, "pictures": ["cka-maps"]}))
    (folder / "cka-maps.png").write_bytes(b"picture")
    (folder / "letter.txt").write_bytes(b"the user's own")
    return folder


def test_numbers_are_metrics_by_their_path_and_the_rest_is_left_out() -> None:
    results = {
        "nmi": {"labels": {"PGN+CLIP": 0.5}, "a/b": {"x": 1}},
        "block 0": {"norm": 2},
        "whole": True,
        "names": ["x"],
        "reference": "shapes",
    }
    assert analysed.metrics_of("cka", results) == {
        "analysis/cka/nmi/labels/PGN_CLIP": 0.5,
        "analysis/cka/nmi/a_b/x": 1.0,
        "analysis/cka/block 0/norm": 2.0,
    }


def test_two_results_of_one_name_are_an_error() -> None:
    with pytest.raises(ValueError, match="two results would be called 'analysis/cka/a_b'"):
        analysed.metrics_of("cka", {"a+b": 1.0, "a%b": 2.0})


def test_what_is_kept_is_found_again_and_is_a_measure_of_the_report(
    store: Store, tmp_path: Path
) -> None:
    (trial,) = recorded_trials(store).values()
    assert analysed.summary(store, trial, "cka") is None
    analysed.keep(store, trial, "cka", left(tmp_path / "cka", {"same": 0.25, "é": 1}))
    (again,) = recorded_trials(store).values()
    assert again.metrics["analysis/cka/same"] == 0.25
    assert again.metrics["analysis/cka/_"] == 1
    assert analysed.summary(store, again, "cka") == {
        "results": {"same": 0.25, "é": 1},
        "pictures": ["cka-maps"],
    }
    files = {item.path for item in store.client.list_artifacts(trial.run_id, "analysis")}
    assert files == {"analysis/cka.json", "analysis/cka-maps.png"}
    rows = query.load(store.uri, "ablation")
    column = rows.trials.set_index("trial")["measured.analysis/cka/same"]
    assert column[trial.trial_id] == 0.25
    assert column.notna().sum() == 1
    assert rows.recorded[trial.trial_id].run_id == trial.run_id


def test_a_metric_whose_file_is_gone_counts_as_not_made(store: Store, tmp_path: Path) -> None:
    (trial,) = recorded_trials(store).values()
    analysed.keep(store, trial, "cka", left(tmp_path / "cka", {"same": 0.25}))
    (again,) = recorded_trials(store).values()
    for path in Path(again.artifact_uri.removeprefix("file://")).rglob("cka.json"):
        path.unlink()
    assert analysed.summary(store, again, "cka") is None


def test_a_refusal_is_noted_and_goes_when_the_analysis_is_made(
    store: Store, tmp_path: Path
) -> None:
    (trial,) = recorded_trials(store).values()
    analysed.refuse(store, trial, "cka", "no prompts")
    (refused,) = recorded_trials(store).values()
    assert refused.refused == {"cka": "no prompts"}
    analysed.keep(store, refused, "cka", left(tmp_path / "cka", {"same": 0.25}))
    assert [each.refused for each in recorded_trials(store).values()] == [{}]


def test_the_newest_making_counts_even_if_the_clock_was_set_back(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns()
    for back, same in enumerate((0.5, 0.25, 0.75)):
        (trial,) = recorded_trials(store).values()
        monkeypatch.setattr(time, "time_ns", lambda at=now - back * 10**12: at)
        analysed.keep(store, trial, "cka", left(tmp_path / "cka", {"same": same}))
        (again,) = recorded_trials(store).values()
        assert again.metrics["analysis/cka/same"] == same
