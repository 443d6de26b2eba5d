"""Every error that a user can cause, and how it is shown.

    SweeperError
    ├── InputError        bad input, found before anything is launched (exit code 2)
    │   carries a list of `Problem`s: all of the user's mistakes at once
    ├── StoreError        the MLflow store cannot be used (exit code 2)
    ├── ClusterError      Ray cannot be reached or refuses (exit code 2)
    ├── CheckpointError   a checkpoint does not belong to this trial, or is damaged
    ├── BudgetError       the time that a launch may take is over (exit code 4)
    ├── FaultError        the machine refuses: disk full, records that wait (exit code 6)
    └── DivergedError     the loss of a trial left the finite numbers

A message names the place, the value, the rule and the remedy, and tells no secret.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sweeper.redaction import redacted


@dataclass(frozen=True, order=True)
class Place:
    """A position in a file that the user wrote. Line and column count from 1; 0 = unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Problem:
    """One mistake: where it stands, what was found, what the rule is, what to do."""

    where: Place | str
    got: str
    expected: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.got}; expected {self.expected}"
        return f"{text}. {self.hint}" if self.hint else text


class SweeperError(Exception):
    """Root of the tree; `exit_code` is what the command line returns."""

    exit_code = 1

    def __init__(self, text: str = "") -> None:
        super().__init__(redacted(text))


class InputError(SweeperError):
    """One or many mistakes in what the user gave; nothing was launched or written."""

    exit_code = 2

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class StoreError(SweeperError):
    """The MLflow store is of another version, unreachable or unwritable. refused: it answers, and
    will not have what it was told; the same again is refused again.
    """

    exit_code = 2

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


class ClusterError(SweeperError):
    """Ray cannot be started, reached, or refuses the request."""

    exit_code = 2


class CheckpointError(SweeperError):
    """A checkpoint file is damaged or belongs to another trial or shape."""


class BudgetError(SweeperError):
    """The hours of a launch are spent; what finished is recorded, the rest is still missing."""

    exit_code = 4


class FaultError(SweeperError):
    """The launch ends because of what it runs on; what is recorded stays, the same command goes on.

    See `sweeper.faults` for what is done about which fault.
    """

    exit_code = 6


class DivergedError(SweeperError):
    """The training loss became NaN or infinite at `step` (counted from 0) under `lr`."""

    def __init__(self, *, step: int, lr: float, loss: float) -> None:
        self.step, self.lr, self.loss = step, lr, loss
        super().__init__(
            f"loss became {loss} at step {step} under learning rate {lr:g}; "
            "lower `lr`, lengthen `warmup_epochs`, or change the optimizer"
        )


MOST = 20  # names that one can read through


def nearest(name: str, known: Sequence[str]) -> str:
    """A did-you-mean hint for `name` among `known`: one that is close, or those that `name` is a
    part of, or the list of what is known where it is short.
    """
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"Did you mean '{close[0]}'?"
    holding = [each for each in known if name.lower() in each.lower()]
    if len(known) <= MOST:
        return f"Known: {', '.join(sorted(known))}" if known else ""
    return f"With it in their names: {', '.join(holding[:MOST])}" if name and holding else ""
