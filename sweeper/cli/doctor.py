"""`doctor`: whether this machine can run a sweep, and what to do where it cannot."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import typer

from sweeper.cli import options
from sweeper.cli.output import print_json, print_rows
from sweeper.cli.results import check_results
from sweeper.errors import InputError, SweeperError


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    ok: bool
    found: str


def doctor(
    address: options.Address = None,
    store: options.Store = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
) -> None:
    """Check Python, packages, devices, results folder, store, Ray and each of its nodes."""
    findings = [_python(), _packages(), _devices()]
    findings.append(_tried("results folder", lambda: _results(results)))
    findings.append(_tried("embedded backbone", _backbone))
    findings.append(_tried("store", lambda: _store(options.store_uri(store, results))))
    findings += _ray(address, results)
    if json:
        print_json("doctor", findings=[vars(finding) for finding in findings])
    else:
        rows = [[f.what, "ok" if f.ok else "NOT OK", f.found] for f in findings]
        print_rows(["what", "", "found"], rows)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(InputError.exit_code)


def _tried(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except SweeperError as error:
        return Finding(what, False, str(error))


def _python() -> Finding:
    ok = sys.version_info >= (3, 11) and platform.system() == "Linux"
    return Finding("python", ok, f"{platform.python_version()} on {platform.system()}")


def _packages() -> Finding:
    from sweeper.tracking.provenance import versions

    found = versions()
    return Finding("packages", True, ", ".join(f"{k} {v}" for k, v in found.items()))


def _devices() -> Finding:
    import torch

    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    memory = shutil.disk_usage("/").free / 2**30
    found = f"{os.cpu_count()} cores, {', '.join(gpus) or 'no GPU'}, {memory:.0f} GiB disk free"
    return Finding("devices", True, found)


def _results(folder: options.Results) -> str:
    check_results(folder)
    return f"{folder} is writable"


def _backbone() -> str:
    from sweeper.backbones import towers

    info = towers.describe("embedded")
    towers.load("embedded")
    return f"{info.parameters:,} parameters, weights {info.weights}"


def _store(uri: str) -> str:
    from sweeper.tracking.store import exists, open_store

    if not exists(uri):
        return f"none yet; the first run creates {uri}"
    open_store(uri)
    return uri


def _ray(address: str | None, results: Path) -> list[Finding]:
    """Ray itself, and each node of a cluster."""
    from sweeper.execution.checkup import check_nodes
    from sweeper.execution.cluster import connected

    try:
        with connected(address) as cluster:
            nodes = check_nodes(results) if cluster.address else []
            found = [Finding("ray", True, cluster.describe())]
    except SweeperError as error:
        return [Finding("ray", False, str(error))]
    return found + [Finding(f"node {node.name}", node.ok, node.found) for node in nodes]
