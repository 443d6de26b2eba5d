"""Big parts of a file, read when they are needed and kept only while somebody works on them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

Key = TypeVar("Key", bound=Hashable)
Part = TypeVar("Part")


class Held(Generic[Key, Part]):
    """`read(key)` for many threads: each thread keeps the last part that it asked for.

    Threads at work on the same part share it, and no part outlives the threads that used it.
    """

    def __init__(self, read: Callable[[Key], Part]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._alive: WeakValueDictionary[Key, Part] = WeakValueDictionary()
        self._own = threading.local()

    def __getitem__(self, key: Key) -> Part:
        """The part called `key`."""
        own: tuple[Key, Part] | None = getattr(self._own, "last", None)
        if own is not None and own[0] == key:
            return own[1]
        own = self._own.last = None  # before the next one is read
        with self._lock:
            part = self._alive.get(key)
            if part is None:
                part = self._alive[key] = self._read(key)
        self._own.last = (key, part)
        return part
