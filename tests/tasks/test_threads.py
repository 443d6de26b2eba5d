import os
import time

import pytest

from sweeper.tasks import threads


def test_every_number_is_worked_on_once_and_comes_in_order(capsys):
    def work(numbers):
        time.sleep(0.002 * (numbers.start % 3))
        return [*numbers]

    found = [*threads.in_chunks(53, work, "counting", chunk=7)]
    assert sum(found, start=[]) == [*range(53)]  # noqa: RUF017
    assert max(map(len, found)) == 7
    assert [*threads.in_chunks(0, work, "counting")] == []
    assert capsys.readouterr().err == "", "what is quick is not announced"


def test_few_chunks_are_under_way_at_a_time():
    begun = []
    chunks = threads.in_chunks(1000, lambda numbers: begun.append(numbers), "counting", chunk=1)
    next(chunks)
    assert len(begun) <= 2 * len(os.sched_getaffinity(0)) + 1
    chunks.close()
    assert len(begun) <= 2 * len(os.sched_getaffinity(0)) + 1


def test_what_takes_long_is_announced_once_and_again_when_it_is_over(monkeypatch, capsys):
    monkeypatch.setattr(threads, "SLOW", 0.01)
    for _ in threads.in_chunks(40, lambda _: time.sleep(0.005), "counting 40", chunk=1):
        pass
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("counting 40: ")
    assert last.startswith("counting 40: done in ")


def test_an_error_of_the_work_comes_out():
    with pytest.raises(ZeroDivisionError):
        [*threads.in_chunks(10, lambda numbers: 1 // (5 - numbers.start), "x", chunk=1)]
