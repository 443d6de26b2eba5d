"""What one trial asks of a cluster, how it is launched there, and whether it fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from sweeper.errors import ClusterError, InputError, Problem
from sweeper.spec.plan import SHARES, Resources

Node = Mapping[str, float]  # resources of one node, as Ray names them: {"CPU": 8.0, "GPU": 1.0}
Described = TypeVar("Described", bound=Mapping[str, Any])  # a node with those under "Resources"


def launcher(resources: Resources) -> Literal["inline", "train"]:
    """`inline`: inside a reused Tune actor. `train`: under Ray Train, with its own processes.

    A launch under Ray Train costs most of a minute of CPU time, so `auto` asks for it only
    where there are whole GPUs or several workers. Raises InputError on a contradiction.
    """
    if wrong := resources.contradictions():
        raise InputError(
            Problem(f"resources.{key}", got, rule, hint) for key, got, rule, hint in wrong
        )
    if resources.launcher == "auto":
        return "train" if resources.workers > 1 or resources.gpus >= 1 else "inline"
    return resources.launcher


def lanes(resources: Resources, nodes: Iterable[Node]) -> int:
    """How many trials run at a time on `nodes`; the workers of one may be on several."""
    return sum(_workers_on(resources, node) for node in nodes) // resources.workers


def hosts(resources: Resources, nodes: Sequence[Described]) -> list[Described]:
    """Those of `nodes` that a trial may run on.

    Under Ray Train that is all of them: the actor that waits for a trial's workers takes nothing,
    so that it may be anywhere.
    """
    anywhere = launcher(resources) == "train"
    return [node for node in nodes if anywhere or _workers_on(resources, node["Resources"])]


def check_fit(resources: Resources, nodes: Sequence[Node], added: Sequence[Node] = ()) -> None:
    """Raises ClusterError where not even one trial fits on `nodes` and those that may be added."""
    if lanes(resources, [*nodes, *added]):
        return
    cpus, gpus = (sum(node.get(name, 0) for node in nodes) for name in ("CPU", "GPU"))
    kinds = Counter(f"{n.get('CPU', 0):g} CPU(s), {n.get('GPU', 0):g} GPU(s)" for n in nodes)
    each = "; ".join(f"{count} x {kind}" for kind, count in kinds.items())
    more = f", and {len(added)} that may be added do not help" if added else ""
    raise ClusterError(
        f"a trial asks for {resources.workers} worker(s) with {resources.cpus:g} CPU(s) and "
        f"{resources.gpus:g} GPU(s) each; the cluster has {cpus:g} CPU(s) and {gpus:g} GPU(s) on "
        f"{len(nodes)} node(s) ({each}){more}. A worker has to fit on one node. Lower "
        "`resources` in the sweep file (--set resources.gpus=0), or give the --address of a "
        "cluster that has them."
    )


def _workers_on(resources: Resources, node: Node) -> int:
    fits = [_parts(node.get("CPU", 0)) // _parts(resources.cpus)]
    if resources.gpus:
        # a share of a GPU comes from one device: of two GPUs, 0.6 can be had twice, not three times
        fits.append(int(node.get("GPU", 0)) * (SHARES // _parts(resources.gpus)))
    return min(fits)


def _parts(amount: float) -> int:
    """`amount` as Ray counts it, which drops what is smaller: ten of 0.1 fit into one, where
    1 // 0.1 is 9, and six of 0.16666667.
    """
    return int(amount * SHARES)
