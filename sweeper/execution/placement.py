"""What one trial asks of a cluster, how it is launched there, and whether it fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from sweeper.errors import ClusterError, InputError, Problem
from sweeper.spec.plan import Resources

Node = Mapping[str, float]  # resources of one node, as Ray names them: {"CPU": 8.0, "GPU": 1.0}


def launcher(resources: Resources) -> Literal["inline", "train"]:
    """`inline`: inside a reused Tune actor. `train`: under Ray Train, with its own processes.

    A launch under Ray Train costs most of a minute of CPU time, so `auto` asks for it only
    where there are whole GPUs or several workers. Raises InputError on a contradiction.
    """
    if resources.launcher == "auto":
        return "train" if resources.workers > 1 or resources.gpus >= 1 else "inline"
    if resources.launcher == "inline" and resources.workers > 1:
        raise InputError(
            Problem(
                "resources.launcher",
                f"'inline' with {resources.workers} workers",
                "'train' or 'auto' where a trial has several workers",
            )
        )
    return resources.launcher


def lanes(resources: Resources, nodes: Sequence[Node]) -> int:
    """How many trials run at a time on `nodes`."""
    return sum(_workers_on(resources, node) for node in nodes) // resources.workers


def check_fit(resources: Resources, nodes: Sequence[Node]) -> None:
    """Raises ClusterError where not even one trial fits on `nodes`."""
    if lanes(resources, nodes):
        return
    cpus, gpus = (sum(node.get(name, 0) for node in nodes) for name in ("CPU", "GPU"))
    raise ClusterError(
        f"a trial asks for {resources.workers} worker(s) with {resources.cpus:g} CPU(s) and "
        f"{resources.gpus:g} GPU(s) each; the cluster has {cpus:g} CPU(s) and {gpus:g} GPU(s) on "
        f"{len(nodes)} node(s). Lower `resources` in the sweep file (--set resources.gpus=0), or "
        "give the --address of a cluster that has them."
    )


def _workers_on(resources: Resources, node: Node) -> int:
    fits = [node.get("CPU", 0) // resources.cpus]
    if resources.gpus:
        fits.append(node.get("GPU", 0) // resources.gpus)
    return int(min(fits))
