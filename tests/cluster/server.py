"""PostgreSQL and MLflow's server, as cluster/mlflow/server.sh starts it, on loopback."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
BIN = BINARIES[-1] if BINARIES else Path()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def impossible() -> str:
    """Why there can be no server here; nothing where there can."""
    if not BINARIES:
        return "PostgreSQL is not installed"
    return "" if os.getuid() == 0 else "only root may become the user postgres"


@dataclass(frozen=True)
class Server:
    """One that runs: where it is, its administrator's password, and what it prints."""

    uri: str
    password: str
    secrets: tuple[str, ...]
    log: Path


def _unprivileged(*words: str | Path) -> list[str]:
    """PostgreSQL refuses to run as root."""
    groups = ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
    return ["setpriv", *groups, *map(str, words)]


@contextmanager
def database(folder: Path, password: str) -> Iterator[int]:
    """A PostgreSQL with the role and the database `mlflow`; its port. Passwords are asked for."""
    data, port = folder / "data", free_port()
    given = folder / "password"
    given.write_text(password)
    subprocess.run(["chown", "-R", "postgres", folder], check=True)
    said = {"stdout": subprocess.DEVNULL, "check": True, "cwd": "/"}
    made = [BIN / "initdb", "-D", data, "-U", "mlflow", "-A", "scram-sha-256", f"--pwfile={given}"]
    subprocess.run(_unprivileged(*made), **said)  # type: ignore[call-overload]
    options = f"-c listen_addresses=127.0.0.1 -c unix_socket_directories= -p {port}"
    control = _unprivileged(BIN / "pg_ctl", "-D", data, "-w", "-l", data / "log", "-o", options)
    subprocess.run([*control, "start"], **said)  # type: ignore[call-overload]
    try:
        login = {"PGPASSWORD": password, "PGHOST": "127.0.0.1", "PGPORT": str(port)}
        create = [BIN / "createdb", "-U", "mlflow", "mlflow"]
        subprocess.run(list(map(str, create)), env=os.environ | login, check=True)
        yield port
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **said)  # type: ignore[call-overload]


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """cluster/mlflow/server.sh with secrets of its own."""
    database_password, password, key = (secrets.token_hex(24) for _ in range(3))
    (folder / "env").write_text(
        f"POSTGRES_PASSWORD={database_password}\nMLFLOW_AUTH_ADMIN_PASSWORD={password}\n"
        f"MLFLOW_FLASK_SERVER_SECRET_KEY={key}\n"
    )
    log, port = folder / "server.log", free_port()
    with (
        tempfile.TemporaryDirectory(
            prefix="sweeper-postgres-"
        ) as closed,  # pytest's is root's alone
        database(Path(closed), database_password) as database_port,
        log.open("w") as file,
    ):
        settings = os.environ | {
            "SETTINGS": str(folder / "env"),
            "PGPORT": str(database_port),
            "PORT": str(port),
            "WORKERS": "1",
            "ARTIFACTS": str(folder / "artifacts"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        server = subprocess.Popen(
            ["bash", str(ROOT / "cluster" / "mlflow" / "server.sh")],
            stdout=file,
            stderr=file,
            env=settings,
        )
        try:
            uri = f"http://127.0.0.1:{port}"
            _wait_for(f"{uri}/health", server, log)
            yield Server(uri, password, (database_password, password, key), log)
        finally:
            server.terminate()
            server.wait(120)


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 180
    while True:
        assert server.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
