"""Analyses made one after the other and kept with the runs of their trials."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch

from sweeper.analysis.restored import Restorer
from sweeper.analysis.study import ANALYSES
from sweeper.errors import CheckpointError, InputError
from sweeper.spec.analyses import LIMIT, SPLIT
from sweeper.tracking.analysed import Missing, keep, refuse
from sweeper.tracking.history import RecordedTrial
from sweeper.tracking.store import Store


def device() -> torch.device:
    """Where analyses are made: the GPU, where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def make(store: Store, todo: Iterable[Missing], say: Callable[[str], None]) -> None:
    """Make the analyses of each trial, keep each as soon as it is made, and `say` how it goes.

    What cannot be made of a trial is said, once where several trials have the same reason, noted
    with its run, and stops nothing. Whatever interrupts this, the next call makes what is left.
    """
    todo = list(todo)
    restorer = Restorer(store, device())
    said: set[str] = set()
    for place, (trial, names) in enumerate(todo, start=1):
        spec = trial.spec
        what = f"{spec.method} on {spec.task}, seed {spec.seed} ({trial.trial_id})"
        say(f"analysis {place} of {len(todo)}: {what}: {', '.join(names)}")
        for name, reason in _made(store, restorer, trial, names):
            if reason not in said:
                said.add(reason)
                say(f"left out: {reason}")
            refuse(store, trial, name, reason)


def _made(
    store: Store, restorer: Restorer, trial: RecordedTrial, names: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Make and keep the analyses of one trial; those that cannot be made, and why."""
    try:
        subject = restorer.subject(trial, split=SPLIT, limit=LIMIT)
    except (InputError, CheckpointError) as error:
        yield from ((name, str(error)) for name in names)
        return
    for name in names:
        with tempfile.TemporaryDirectory(prefix="sweeper-analysis-") as place:
            try:
                ANALYSES[name](subject, Path(place))
            except (InputError, CheckpointError) as error:
                yield name, str(error)
            else:
                keep(store, trial, name, Path(place))
