"""Work over many images, by as many threads as this process has cores."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Done = TypeVar("Done")

SLOW = 3.0  # seconds after which a user wants to know what is going on


def in_chunks(
    count: int, work: Callable[[range], Done], doing: str, chunk: int = 256
) -> Iterator[Done]:
    """`work` on the numbers below `count`, `chunk` at a time; what it gives comes in their order.

    A few chunks are under way at a time, so that memory does not grow with `count`. Work that
    takes long is announced on stderr as `doing`, once when that shows and once when it is over.
    """
    threads = len(os.sched_getaffinity(0))
    started, said = time.monotonic(), False
    waiting: deque[Future[Done]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, count, chunk):
            waiting.append(pool.submit(work, range(start, min(start + chunk, count))))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
            if not said and time.monotonic() - started > SLOW:
                said = True
                sys.stderr.write(f"{doing}: {start / count:.0%} after {SLOW:.0f} s\n")
        while waiting:
            yield waiting.popleft().result()
    if said:
        sys.stderr.write(f"{doing}: done in {time.monotonic() - started:.0f} s\n")
