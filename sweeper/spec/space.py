"""Search spaces of one parameter: what a sweep file's `parameters` and a method's SPACE hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Choice:
    """One of `values`, unordered."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a choice needs at least one value, got none")


@dataclass(frozen=True)
class Integers:
    """A whole number from `low` to `high`, both included; `log` spaces it by factors."""

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        if self.low > self.high or (self.log and self.low < 1):
            raise ValueError(f"bounds must satisfy low <= high (and 1 <= low for log), got {self}")


@dataclass(frozen=True)
class Uniform:
    """A real number from `low` to `high`; with `step`, a multiple of it above `low`."""

    low: float
    high: float
    step: float | None = None

    def __post_init__(self) -> None:
        if not self.low <= self.high or (self.step is not None and self.step <= 0):
            raise ValueError(f"bounds must satisfy low <= high and step > 0, got {self}")


@dataclass(frozen=True)
class LogUniform:
    """A positive real number, uniform in its logarithm, from `low` to `high`."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high:
            raise ValueError(f"bounds must satisfy 0 < low <= high, got {self}")


Space = Choice | Integers | Uniform | LogUniform
