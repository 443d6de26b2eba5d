"""Ctrl-C and the end of the budget, obeyed when nothing is half done; a second Ctrl-C at once."""

from __future__ import annotations

import math
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

from sweeper.errors import BudgetError


class Interrupt:
    """While entered, the first SIGINT is kept until `check` raises it as KeyboardInterrupt.

    Outside of the main thread, where Python has no signals, it does nothing.
    """

    def __init__(self, seconds: float = math.inf) -> None:
        """`seconds` from now on the budget is spent."""
        self.asked = False
        self._end = time.monotonic() + seconds
        self._before: Any = None

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def check(self) -> None:
        """Raise KeyboardInterrupt if it was asked for, BudgetError if the time is over."""
        if self.asked:
            raise KeyboardInterrupt
        if time.monotonic() > self._end:
            raise BudgetError("the hours in `budget` are over; the same command goes on")

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
