"""Each node of a cluster, looked at for `sweeper doctor`: what it has and what is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sweeper.execution.cluster import alive_nodes
from sweeper.execution.storage import lacks, signed
from sweeper.execution.survey import Node, ask, name_of, troubles
from sweeper.tracking.provenance import hardware, versions

OURS = "sweeper"  # travels to the nodes; their own, if they have one, is not used


@dataclass(frozen=True)
class Seen:
    """What a node says of itself."""

    hardware: str
    versions: dict[str, str]
    gpus: int  # that torch computes on
    free: float  # GiB of disk where results go
    wrong: list[str]


@dataclass(frozen=True)
class Checkup:
    """One node, judged."""

    name: str
    ok: bool
    found: str


def check_nodes(results: Path) -> list[Checkup]:
    """Every living node, held against this machine's versions, Ray's GPUs and `results`."""
    with signed(results.resolve(), keep=False) as sign:
        answers = ask(alive_nodes(), _look, sign)
    return [
        judged(node, answer, versions())
        if isinstance(answer, Seen)
        else Checkup(name_of(node), False, "; ".join(troubles([(node, answer)])))
        for node, answer in answers
    ]


def judged(node: Node, seen: Seen, here: Mapping[str, str]) -> Checkup:
    """What `node` said, where this machine has the versions `here`."""
    wrong = list(seen.wrong)
    if seen.gpus < (given := node["Resources"].get("GPU", 0)):
        wrong.append(f"Ray gives out {given:g} GPU(s), torch computes on {seen.gpus}")
    for name, version in seen.versions.items():
        if name != OURS and version != here[name]:
            wrong.append(f"{name} {version}, here it is {here[name]}")
    packages = ", ".join(f"{name} {seen.versions[name]}" for name in ("python", "ray", "torch"))
    has = f"{seen.hardware}, {seen.gpus} GPU(s) for torch, {seen.free:.0f} GiB disk free"
    return Checkup(name_of(node), not wrong, "; ".join([*wrong, has, packages]))


def _look(sign: str) -> Seen:
    wrong = lacks(sign)
    gpus, failed = _computing()
    nearest = Path(sign).parent
    while not nearest.exists():
        nearest = nearest.parent
    free = shutil.disk_usage(nearest).free / 2**30
    return Seen(hardware(), versions(), gpus, free, [*wrong, *failed])


def _computing() -> tuple[int, list[str]]:
    """How many GPUs multiply two small matrices, and what the others say."""
    import torch

    failed = []
    for index in range(torch.cuda.device_count()):
        try:
            ones = torch.ones(64, 64, device=f"cuda:{index}")
            if float((ones @ ones).sum()) != 64**3:
                failed.append(f"GPU {index} multiplies wrongly")
        except RuntimeError as error:
            failed.append(f"GPU {index}: {str(error).splitlines()[0]}")
    return torch.cuda.device_count() - len(failed), failed
