"""The nodes of a cluster, each asked the same thing at the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from sweeper.execution.cluster import last_line

SECONDS = 120  # for a first worker on a node to start, and to answer

Node = Mapping[str, Any]  # as `alive_nodes` has it


def name_of(node: Node) -> str:
    """How a node is called in a message."""
    return f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"


def ask(
    nodes: Sequence[Node],
    question: Callable[..., Any],
    *what: object,
    seconds: float | None = SECONDS,
) -> list[tuple[Node, Any]]:
    """What `question(*what)` returns on each of `nodes`, all asked at once.

    A node that dies, lacks what the question needs or takes longer has the error as its answer.
    """
    asked = [_asked(question, node, what) for node in nodes]
    if asked:
        ray.wait(asked, num_returns=len(asked), timeout=seconds)
    return list(zip(nodes, map(_answer, asked), strict=True))


def troubles(answers: Sequence[tuple[Node, Any]]) -> list[str]:
    """A line for each thing in answers that are lists of such things, and for each error."""
    found = []
    for node, answer in answers:
        lines = [f"no answer: {last_line(str(answer))}"] if _failed(answer) else answer
        found += [f"node {name_of(node)}: {line}" for line in lines]
    return found


def _failed(answer: Any) -> bool:
    return isinstance(answer, RayError)


def _asked(question: Callable[..., Any], node: Node, what: Sequence[object]) -> Any:
    there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
    remote: Any = ray.remote  # its types know decorated functions only
    return remote(num_cpus=0, max_retries=0, scheduling_strategy=there)(question).remote(*what)


def _answer(ref: Any) -> Any:
    try:
        return ray.get(ref, timeout=0)
    except RayError as error:
        return error
