import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from sweeper.tasks.held import Held


def test_threads_share_a_part_and_nothing_outlives_them():
    read, meet = [], threading.Barrier(4)

    def part(key):
        read.append(key)
        return np.full(10, key)

    held = Held(part)

    def work(_):
        first = held[0][0]
        meet.wait()
        return first, [held[0][1] for _ in range(5)]

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(work, range(4))] == [(0, [0] * 5)] * 4
        assert read == [0]
    gc.collect()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: held[0][2]).result() == 0
    assert read == [0, 0], "it was given up when the last thread ended"


def test_a_thread_keeps_only_its_last_part():
    alive = []

    class Part:
        def __init__(self, key):
            self.key = key
            alive.append(key)

        def __del__(self):
            alive.remove(self.key)

    held = Held(Part)
    assert [held[key].key for key in (1, 1, 2)] == [1, 1, 2]
    assert alive == [2]
