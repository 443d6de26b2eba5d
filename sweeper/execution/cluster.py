"""Ray on this machine or at an address: started or joined, described, left."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray._private import ray_constants
from ray.job_config import JobConfig

import sweeper
from sweeper.errors import ClusterError
from sweeper.execution import autoscaler
from sweeper.execution.copied import is_copy

HOME = Path(sweeper.__file__).resolve().parent.parent  # the folder of the packages
PROBE_SECONDS, TRIAL_SECONDS = 5, 90  # for a TCP connection; for a first Ray connection
START_ATTEMPTS = 3  # of a local Ray
LOCAL_STORE_BYTES = 100_000_000  # of shared memory; only messages pass through it
SETTINGS = {
    "RAY_AIR_NEW_OUTPUT": "0",  # no tables of Tune's own
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # a relative path means the same in a worker
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent anywhere
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # MLflow is the record
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # a diverged trial has no metric
    "TUNE_GLOBAL_CHECKPOINT_S": "100000000",  # Tune's own state is never restored
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}


@dataclass(frozen=True)
class Cluster:
    """The Ray that this process is connected to; nodes as they were when it connected."""

    address: str  # "" for a local one
    nodes: tuple[Mapping[str, float], ...]  # resources of each
    grows: bool  # an autoscaler may add nodes
    added: tuple[Mapping[str, float], ...] | None = None  # those that it may add; None: unknown

    def describe(self) -> str:
        """In one line: where it is and what it has."""
        cpus, gpus = (int(sum(n.get(name, 0) for n in self.nodes)) for name in ("CPU", "GPU"))
        where = f"the cluster at {self.address}" if self.address else "this machine"
        size = f"{len(self.nodes)} node(s), {cpus} CPU(s), {gpus} GPU(s)"
        return f"ray {ray.__version__} on {where}: {size}"


@contextmanager
def connected(
    address: str | None = None, *, cpus: int | None = None, verbose: bool = False
) -> Iterator[Cluster]:
    """A connection for the time of the block; one that was there before stays."""
    found = ray.is_initialized()
    try:
        yield connect(address, cpus=cpus, verbose=verbose)
    finally:
        if not found:
            disconnect()


def connect(
    address: str | None = None, *, cpus: int | None = None, verbose: bool = False
) -> Cluster:
    """Join the Ray at `address` or `RAY_ADDRESS`, or start one on this machine.

    A connection that this process has already is used as it is. `cpus`, of a local Ray, defaults
    to what the machine gives this process. Raises ClusterError within a bounded time.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    address = address or os.environ.get("RAY_ADDRESS") or ""
    address = "" if address == "local" else address
    if not ray.is_initialized():
        level = logging.INFO if verbose else logging.CRITICAL
        if address:
            _probe(address)
            _join(address, level, verbose)
        else:
            _start(cpus, level, verbose)
    nodes = tuple(node["Resources"] for node in alive_nodes())
    grows = bool(address) and autoscaler.CONFIG.expanduser().exists()
    added = autoscaler.addable(autoscaler.CONFIG.expanduser()) if grows else None
    return Cluster(address, nodes, grows, added)


def disconnect() -> None:
    """Leave the cluster; a local Ray ends with it."""
    ray.shutdown()


def alive_nodes() -> list[dict[str, Any]]:
    """The living nodes, as Ray describes them."""
    found: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [node for node in found if node["Alive"]]


def _start(cpus: int | None, level: int, verbose: bool) -> None:
    for attempt in range(1, START_ATTEMPTS + 1):
        try:
            with _loopback():
                ray.init(
                    address="local",
                    num_cpus=cpus,
                    object_store_memory=LOCAL_STORE_BYTES,
                    include_dashboard=False,
                    log_to_driver=verbose,
                    logging_level=level,
                    job_config=_no_folders(),
                    runtime_env={"env_vars": {"PYTHONPATH": _search_path(), **_workers_talk()}},
                )
            return
        except Exception as error:
            # Ray gives its processes 15 s to come up, which a machine busy elsewhere can miss
            ray.shutdown()
            if attempt == START_ATTEMPTS:
                raise ClusterError(
                    f"Ray could not be started on this machine: {last_line(str(error))}. Its logs "
                    "are under /tmp/ray/session_latest/logs; free memory, disk or CPU, and run the "
                    "same command again."
                ) from error


@contextmanager
def _loopback() -> Iterator[None]:
    """A Ray that starts in the block is at 127.0.0.1, so that no other machine can reach it.

    Ray's servers listen on all interfaces unless that is their node's address, and it gives a node
    that address only where it takes the machine for one that never joins a cluster.
    """
    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


def _workers_talk() -> dict[str, str]:
    """Where the several workers of a trial meet on one machine, unless the user says."""
    names = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")
    return {name: os.environ.get(name, "lo") for name in names}


def _no_folders() -> JobConfig:
    """A job that adds no folder to its workers' search path.

    Ray adds the driver's current folder and that of its script, first of all: a `torch.py` that
    happens to lie there would be imported. It does not for a job that brings a folder of its own,
    which is what this one says of itself.
    """
    config = JobConfig()
    config._runtime_env_has_working_dir = lambda: True  # type: ignore[method-assign]
    return config


def _probe(address: str) -> None:
    """A refused or silent port is told at once; Ray itself would try for minutes."""
    if address == "auto":
        return
    if "://" in address:
        raise ClusterError(
            f"{address}: this is the address of Ray Client or of a dashboard; expected host:port, "
            "the address that `ray start --head` printed. From outside of the cluster use "
            "`ray job submit --address http://... --working-dir . -- sweeper run ...`."
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ClusterError(f"{address}: not an address; expected host:port, such as 10.0.0.1:6379")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=PROBE_SECONDS).close()
    except OSError as error:
        raise ClusterError(
            f"no Ray at {address}: {error}. Start one there with `ray start --head`, or leave out "
            "--address and RAY_ADDRESS to run on this machine."
        ) from error


def _join(address: str, level: int, verbose: bool) -> None:
    """Connect, but first in a process of its own.

    A wrong token, another version or a port that is not Ray's can hang or end who tries.
    """
    tried = "import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False); ray.shutdown()"
    command = [sys.executable, "-P", "-c", tried, address]  # -P: nothing from the current folder
    try:
        said = subprocess.run(
            command, capture_output=True, text=True, timeout=TRIAL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ClusterError(
            f"{address} answers, but not as Ray does, in {TRIAL_SECONDS} s. Check host and port "
            "(6379 by default, not the dashboard's 8265), and that no firewall stands between."
        ) from error
    if said.returncode:
        raise _refusal(address, said.stderr)
    try:
        ray.init(
            address=address,
            log_to_driver=verbose,
            logging_level=level,
            job_config=_no_folders(),
            runtime_env=None if _shipped_by_job() else {"py_modules": _packages()},
        )
    except Exception as error:
        raise _refusal(address, str(error)) from error


def _refusal(address: str, said: str) -> ClusterError:
    refused = "token" in said.lower() or "unauthenticated" in said.lower()
    remedy = (
        "Set RAY_AUTH_MODE=token, and give the cluster's token in ~/.ray/auth_token, "
        "RAY_AUTH_TOKEN_PATH or RAY_AUTH_TOKEN."
        if refused
        else "Use the same Ray and Python here as on the cluster."
    )
    return ClusterError(f"the Ray at {address} refused: {last_line(said)}. {remedy}")


def _shipped_by_job() -> bool:
    """`ray job submit` brought the packages in its working directory, or modules of its own."""
    job = json.loads(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}"))
    return is_copy(HOME) or "py_modules" in (job.get("runtime_env") or {})


def _packages() -> list[str]:
    """The folders of the packages that workers import; they may lack them, or have others."""
    return [str(HOME / "sweeper"), str(HOME / "methods")]


def _search_path() -> str:
    """Where workers of this machine find the very code that the driver runs.

    An empty entry, as `PYTHONPATH=:/x` has one, would be the current folder.
    """
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return os.pathsep.join([str(HOME), *filter(None, given)])


def last_line(text: str) -> str:
    """The last line that says something, without colours or a full stop."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return re.sub(r"\x1b\[[0-9;]*m", "", lines[-1]).rstrip(".") if lines else "no reason given"
