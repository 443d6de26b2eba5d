"""Signals are obeyed when nothing is half done, a second one at once, whatever is waited for."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sweeper.errors import BudgetError, ClusterError
from sweeper.execution.interrupt import EXIT_INTERRUPTED, GRACE, SIGNALS, Interrupt

START = """
import signal
import sys
import time
from sweeper.execution.interrupt import EXIT_INTERRUPTED, Interrupt

def say(word):
    print(word, flush=True)

def wait():
    say("waiting")
    time.sleep(600)

def wait_for_the_first():
    say("waiting")
    while not interrupt.asked:  # two that come before one is answered are one
        time.sleep(0.01)

interrupt = Interrupt()
"""
BOTH = pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)


class Script:
    """A process that prints words, and gets a signal after each 'waiting'."""

    def __init__(self, body: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", START + body],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def signal(self, number: signal.Signals, times: int = 1) -> None:
        assert self.process.stdout is not None
        for _ in range(times):
            assert self.process.stdout.readline() == "waiting\n"
            self.process.send_signal(number)

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@BOTH
def test_outside_of_a_kept_block_the_first_is_obeyed_at_once(number: signal.Signals) -> None:
    script = Script("""
with interrupt:
    try:
        wait()
    except KeyboardInterrupt:
        say(f"by {interrupt.asked} {interrupt.twice}")
""")
    script.signal(number)
    assert script.end() == (0, f"by {SIGNALS[number]} False\n", "")


@BOTH
def test_in_a_kept_block_the_first_waits_for_a_check_or_the_end(number: signal.Signals) -> None:
    script = Script("""
with interrupt:
    for asked in (interrupt.check, lambda: None):
        interrupt.asked = ""
        try:
            with interrupt.kept():
                say("waiting")
                while not interrupt.asked:
                    time.sleep(0.01)
                say("nothing is half done")
                asked()
                say("end")
        except KeyboardInterrupt:
            say("obeyed")
""")
    script.signal(number)
    assert script.process.stdout is not None
    heard = [script.process.stdout.readline().strip() for _ in range(2)]
    assert heard == ["nothing is half done", "obeyed"]
    script.signal(number)
    code, out, err = script.end()
    assert (code, out) == (0, "nothing is half done\nend\nobeyed\n")
    assert "ends when nothing is half done" in err
    assert "Traceback" not in err


def test_the_second_is_obeyed_at_once_and_the_way_out_may_take_a_little() -> None:
    script = Script("""
with interrupt:
    try:
        with interrupt.kept():
            wait_for_the_first()
            wait()
    except KeyboardInterrupt:
        say(f"out {interrupt.twice}")
        sys.exit(EXIT_INTERRUPTED)
""")
    began = time.monotonic()
    script.signal(signal.SIGINT)
    script.signal(signal.SIGTERM)  # whichever comes second
    code, out, _ = script.end()
    assert code == EXIT_INTERRUPTED
    assert out == "out True\n"
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("hangs", ["time.sleep(600)", "ctypes.CDLL(None).sleep(600)"])
def test_after_the_second_the_process_is_gone_though_the_way_out_hangs(hangs: str) -> None:
    script = Script(f"""
import ctypes
with interrupt:
    try:
        with interrupt.kept():
            wait_for_the_first()
            wait()
    finally:
        say("closing")
        {hangs}
""")
    script.signal(signal.SIGINT)
    script.signal(signal.SIGINT)
    began = time.monotonic()
    code, _, err = script.end()
    assert code == EXIT_INTERRUPTED
    assert time.monotonic() - began < GRACE + 20
    assert "Traceback" not in err


def test_python_need_not_be_back_from_other_code_for_the_second_to_count() -> None:
    script = Script("""
import ctypes
import threading
call, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(64)
with interrupt, interrupt.kept():
    threading.Timer(0.5, say, ["waiting"]).start()
    threading.Timer(1.5, say, ["waiting"]).start()
    call.pthread_mutex_lock(mutex)
    call.pthread_mutex_lock(mutex)  # for ever, whatever signals come
""")
    script.signal(signal.SIGTERM, times=2)
    code, _, err = script.end()
    assert code == EXIT_INTERRUPTED
    assert "Traceback" not in err


def test_what_fails_after_a_signal_failed_because_of_it_and_before_it_does_not() -> None:
    with Interrupt() as interrupt:
        with pytest.raises(ClusterError), interrupt.kept():
            raise ClusterError("Ray says no")
        interrupt.asked = "Ctrl-C"  # which the process that tried got too
        with pytest.raises(KeyboardInterrupt), interrupt.kept():
            raise ClusterError("the process that tried ended")


def test_ray_ending_python_on_sigterm_while_it_starts_is_an_interruption() -> None:
    with Interrupt() as interrupt:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(15))
        with pytest.raises(KeyboardInterrupt), interrupt.kept():
            signal.raise_signal(signal.SIGTERM)
        assert interrupt.asked == "SIGTERM"


def test_entered_again_it_takes_the_signals_back_and_leaves_them_as_they_were() -> None:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    with Interrupt() as interrupt:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with interrupt, pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    assert {number: signal.getsignal(number) for number in SIGNALS} == before


def test_the_end_of_the_budget_comes_out_of_a_check(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt, now = Interrupt(), time.monotonic()
    interrupt.check()
    interrupt.limit(3600)
    interrupt.check()
    monkeypatch.setattr(time, "monotonic", lambda: now + 3700)
    with pytest.raises(BudgetError):
        interrupt.check()
