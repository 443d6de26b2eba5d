"""What a frozen forward leaves out. Every shortcut is exact; without any it is the plain way.

`resources: {shortcuts: false}` in a sweep file takes `PLAIN`, which leaves every number as it is
up to rounding; tests and `benchmarks/frozen_forward.py` compare the two.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shortcuts:
    """Which ones are taken, by what they do."""

    fused: bool = True  # attention in one kernel, and not as softmax between two products
    replaced: bool = True  # prompts that the next block replaces: keys and values, once a step
    last: bool = True  # in the last block, queries and MLP for what is pooled alone
    cut: bool = True  # causal texts end with the longest of them, and not with the context
    kept: bool = True  # a text classifier is computed once


ALL = Shortcuts()
PLAIN = Shortcuts(fused=False, replaced=False, last=False, cut=False, kept=False)
