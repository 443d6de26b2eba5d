"""Ray on this machine or at an address: started or joined, described, left."""

from __future__ import annotations

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

import sweeper
from sweeper.errors import ClusterError

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
    grows = bool(address) and Path("~/ray_bootstrap_config.yaml").expanduser().exists()
    return Cluster(address, nodes, grows)


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
            ray.init(
                address="local",
                num_cpus=cpus,
                object_store_memory=LOCAL_STORE_BYTES,
                include_dashboard=False,
                log_to_driver=verbose,
                logging_level=level,
                runtime_env={"env_vars": {"PYTHONPATH": _search_path()}},
            )
            return
        except Exception as error:
            # Ray gives its processes 15 s to come up, which a machine busy elsewhere can miss
            ray.shutdown()
            if attempt == START_ATTEMPTS:
                raise ClusterError(
                    f"Ray could not be started on this machine: {_last_line(str(error))}. Its logs "
                    "are under /tmp/ray/session_latest/logs; free memory, disk or CPU, and run the "
                    "same command again."
                ) from error


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
    command = [sys.executable, "-P", "-c", tried, address]
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
            runtime_env=None if _shipped_by_job() else {"py_modules": _packages()},
        )
    except Exception as error:
        raise _refusal(address, str(error)) from error


def _refusal(address: str, said: str) -> ClusterError:
    refused = "token" in said.lower() or "unauthenticated" in said.lower()
    remedy = (
        "Give the cluster's token in ~/.ray/auth_token, RAY_AUTH_TOKEN_PATH or RAY_AUTH_TOKEN."
        if refused
        else "Use the same Ray and Python here as on the cluster."
    )
    return ClusterError(f"the Ray at {address} refused: {_last_line(said)}. {remedy}")


def _shipped_by_job() -> bool:
    """`ray job submit --working-dir` ships the code itself."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ


def _packages() -> list[str]:
    """The folders of the packages that workers import; they may lack them, or have others."""
    return [str(HOME / "sweeper"), str(HOME / "methods")]


def _search_path() -> str:
    """Where workers of this machine find the very code that the driver runs."""
    return os.pathsep.join([str(HOME), *filter(None, [os.environ.get("PYTHONPATH")])])


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return re.sub(r"\x1b\[[0-9;]*m", "", lines[-1]).rstrip(".") if lines else "no reason given"
