"""Ctrl-C, `kill` and the end of the budget, obeyed when nothing is half done; a second at once."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from sweeper.errors import BudgetError

EXIT_INTERRUPTED = 130
GRACE = 5.0  # seconds that the process may take to end after a second signal
SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
KEPT = b"\nInterrupted: ends when nothing is half done. Again: ends at once.\n"


class Interrupt:
    """While entered, SIGINT and SIGTERM raise KeyboardInterrupt: at once, or in a block of `kept`
    when `check` is called or the block ends. A second one raises it at once everywhere, and
    `GRACE` seconds later the process is gone, whatever it waits for: a store, Ray, a lock.

    It may be entered again inside itself, which takes the signals back from whoever took them.
    Outside of the main thread, where Python has no signals, it does nothing.
    """

    def __init__(self) -> None:
        self.asked = ""  # by what
        self.twice = False
        self._kept = 0
        self._before: list[dict[signal.Signals, Any]] = []
        self._watched: tuple[int, int] | None = None  # what was told of signals before, and is now
        self._end = math.inf

    def limit(self, seconds: float) -> None:
        """From `seconds` from now on `check` raises BudgetError."""
        self._end = time.monotonic() + seconds

    def __enter__(self) -> Interrupt:
        mine = threading.current_thread() is threading.main_thread()
        self._before.append({n: signal.signal(n, self._ask) for n in SIGNALS} if mine else {})
        if mine and self._watched is None:
            read, write = os.pipe()
            os.set_blocking(write, False)
            before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
            self._watched = before, write
            threading.Thread(target=_watch, args=(read,), name="interrupt", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.pop().items():
            signal.signal(number, handler)
        if not self._before and self._watched is not None:
            before, write = self._watched
            signal.set_wakeup_fd(before)
            os.close(write)
            self._watched = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """A block that ends before a first signal is obeyed, unless it calls `check`.

        What goes wrong in it after a signal went wrong for that reason: a terminal's Ctrl-C reaches
        all processes of the command, and Ray has an answer of its own to SIGTERM while it starts.
        """
        self._kept += 1
        try:
            yield
        except (Exception, SystemExit) as error:
            if isinstance(error, SystemExit):
                self.asked = self.asked or SIGNALS[signal.SIGTERM]
            if self.asked:
                raise KeyboardInterrupt from error
            raise
        finally:
            self._kept -= 1
        if self.asked:
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raise KeyboardInterrupt if it was asked for, BudgetError if the time is over."""
        if self.asked:
            raise KeyboardInterrupt
        if time.monotonic() > self._end:
            raise BudgetError("the hours in `budget` are over; the same command goes on")

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        self.twice = bool(self.asked)
        self.asked = self.asked or SIGNALS[signal.Signals(number)]
        if self.twice or not self._kept:
            raise KeyboardInterrupt
        os.write(2, KEPT)  # what `print` holds may be half written


def _watch(signals: int) -> None:
    """End the process `GRACE` seconds after a second signal.

    The system writes their numbers to the pipe `signals`. `_ask` alone would not do: Python calls
    it when the main thread is back in Python, which it may never be from a call into Ray.
    """
    seen = 0
    while said := os.read(signals, 64):
        seen += sum(1 for number in said if number in SIGNALS)
        if seen > 1:
            time.sleep(GRACE)
            os._exit(EXIT_INTERRUPTED)
    os.close(signals)
