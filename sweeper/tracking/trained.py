"""A finished trial with all that an export needs of the store: what it learned, its source."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from sweeper.errors import InputError, Problem, StoreError
from sweeper.records import TrialResult, TrialStatus
from sweeper.spec.snapshots import snapshot_epochs, snapshot_file
from sweeper.spec.trial import TrialSpec
from sweeper.tracking import history, names
from sweeper.tracking.artifact import artifact
from sweeper.tracking.history import RecordedTrial
from sweeper.tracking.store import Store

_ID = re.compile("[0-9a-f]{16}")


def find_trial(store: Store, text: str) -> RecordedTrial:
    """The trial whose id is `text`, or begins with it and no other's does.

    Raises InputError: none, or several.
    """
    recorded = {
        each: trial
        for each, trial in history.recorded_trials(store).items()
        if _ID.fullmatch(each)  # it names a folder, and whoever writes to the store wrote it
    }
    if text in recorded:
        return recorded[text]
    found = sorted(each for each in recorded if text and each.startswith(text))
    if len(found) == 1:
        return recorded[found[0]]
    where = f"trial '{text}'"
    if found:
        several = f"{len(found)} trials begin so: {', '.join(found[:5])}" + ", ..." * (
            len(found) > 5
        )
        raise InputError(Problem(where, several, "the id of one trial", "Give more digits."))
    close = difflib.get_close_matches(text, list(recorded), n=1, cutoff=0.5)
    hint = f"Did you mean '{close[0]}'?" if close else ""
    got = f"none of the {len(recorded)} trials in {store.uri}"
    expected = f"a trial's id, as its run has it under the tag {names.TRIAL_ID}"
    raise InputError(Problem(where, got, expected, hint))


def trained_file(store: Store, trial: RecordedTrial) -> Path:
    """The file with what `trial` has learned. Raises InputError if there is none, with reason."""
    where = f"trial {trial.trial_id}"
    if trial.status is not TrialStatus.FINISHED:
        raise InputError(Problem(where, f"it is {trial.status}", "a finished trial"))
    path = artifact(store, trial, f"{names.TRAINED_FOLDER}/{names.TRAINED_FILE}")
    if path is not None:
        return path
    assert trial.result is not None
    if names.TRAINED in trial.result.provenance:
        got, hint = f"its file is gone from {trial.artifact_uri}", "Bring the artifacts back."
    elif trial.result.trainable_parameters == 0:
        got, hint = f"'{trial.spec.method}' has nothing to train", "Use the method as it is."
    else:
        got = "it finished under a version of sweeper that did not keep what a trial learned"
        hint = "Run its sweep with another --results, and export from there."
    raise InputError(Problem(where, got, "a trial that keeps what it learned", hint))


def files_left(spec: TrialSpec, result: TrialResult, last: Path) -> list[Path]:
    """The files in which a trial left what it has learned, `last` and its snapshots beside it;
    none of a trial that learned nothing. Raises StoreError where one is gone.
    """
    if names.TRAINED not in result.provenance:
        return []
    epochs = snapshot_epochs(spec.recipe.snapshots, result.epochs)
    files = [*(last.with_name(snapshot_file(epoch)) for epoch in epochs), last]
    for path in files:
        if not path.is_file():
            raise StoreError(
                f"trial {spec.id} has finished, but what it has learned is not at {path}. Workers "
                "and this process must see one results folder; the same command goes on.",
                refused=True,
            )
    return files


def snapshot_files(store: Store, trial: RecordedTrial) -> dict[int, Path]:
    """Epoch -> the file with what `trial` had learned then, of the snapshots that it kept."""
    epochs = trial.result.epochs if trial.result is not None else 0
    found = {
        epoch: artifact(store, trial, f"{names.TRAINED_FOLDER}/{snapshot_file(epoch)}")
        for epoch in snapshot_epochs(trial.spec.recipe.snapshots, epochs)
    }
    return {epoch: path for epoch, path in found.items() if path is not None}


def source_of(store: Store, trial: RecordedTrial) -> bytes | None:
    """The user's method file that `trial` was trained with; None for an installed method."""
    name = f"{names.SOURCES_FOLDER}/{trial.spec.method}.py"
    plans = trial.used_by | {trial.first_plan}
    for launch in history.launches(store, trial.sweep):
        path = artifact(store, launch, name) if launch.digest in plans else None
        if path is not None:
            return path.read_bytes()
    return None
