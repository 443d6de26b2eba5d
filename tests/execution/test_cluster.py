"""Addresses that refuse, and what is told before anything is launched."""

from __future__ import annotations

import http.server
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from sweeper.errors import ClusterError
from sweeper.execution import cluster
from sweeper.execution.cluster import connect


def test_a_refused_address_is_told_at_once_with_a_remedy() -> None:
    started = time.monotonic()
    with pytest.raises(ClusterError, match=r"no Ray at 127\.0\.0\.1:1: .*refused.*ray start"):
        connect("127.0.0.1:1")
    assert time.monotonic() - started < cluster.PROBE_SECONDS + 5


@pytest.mark.parametrize("address", ["ray://somewhere:10001", "http://somewhere:8265"])
def test_an_address_of_another_kind_points_to_job_submit(address: str) -> None:
    with pytest.raises(ClusterError, match="ray job submit"):
        connect(address)


def test_what_is_no_address_says_what_one_looks_like() -> None:
    with pytest.raises(ClusterError, match="host:port"):
        connect("somewhere")


def test_ray_address_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ClusterError, match=r"127\.0\.0\.1:1"):
        connect()


@pytest.mark.slow
def test_a_port_that_is_not_ray_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "TRIAL_SECONDS", 8)
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    started = time.monotonic()
    with pytest.raises(ClusterError, match=f"127.0.0.1:{server.server_port}"):
        connect(f"127.0.0.1:{server.server_port}")
    assert time.monotonic() - started < 30
    server.shutdown()


def test_a_refused_token_says_where_one_is_given() -> None:
    said = str(cluster._refusal("head:6379", "x\nUnauthenticated: no token\n"))
    assert "Unauthenticated: no token. Set RAY_AUTH_MODE=token, and give" in said
    assert "RAY_AUTH_TOKEN_PATH" in said


def test_an_empty_entry_of_the_search_path_is_not_the_current_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{os.pathsep}/x{os.pathsep}")
    assert cluster._search_path() == os.pathsep.join([str(cluster.HOME), "/x"])


@pytest.mark.parametrize(
    ("home", "job", "shipped"),
    [
        ("/site-packages", None, False),
        ("/site-packages", {"runtime_env": {"working_dir": "gcs://x.zip"}}, False),
        ("/site-packages", {"runtime_env": {"py_modules": ["gcs://x.zip"]}}, True),
        ("/tmp/ray/s/runtime_resources/working_dir_files/_ray_pkg_01", {}, True),
    ],
)
def test_the_packages_go_to_the_workers_unless_a_job_brought_them(
    monkeypatch: pytest.MonkeyPatch, home: str, job: dict[str, Any] | None, shipped: bool
) -> None:
    monkeypatch.setattr(cluster, "HOME", Path(home))
    if job is not None:
        monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", json.dumps(job))
    assert cluster._shipped_by_job() is shipped


def test_only_a_cluster_that_ray_up_made_may_grow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(cluster.ray, "is_initialized", lambda: True)
    monkeypatch.setattr(cluster, "alive_nodes", list)
    assert not connect("head:6379").grows
    (tmp_path / "ray_bootstrap_config.yaml").write_text("max_workers: 0")
    assert connect("head:6379").added == ()
    assert not connect().grows


@pytest.mark.slow
@pytest.mark.usefixtures("local_ray")
def test_a_local_ray_listens_on_this_machine_alone_and_asks_for_a_token() -> None:
    import ray

    @ray.remote(num_cpus=0)
    def environment() -> dict[str, str]:
        return dict(os.environ)

    there = ray.get(environment.remote())  # a worker listens as well, so that one has to be there
    assert there["RAY_AUTH_MODE"] == os.environ["RAY_AUTH_MODE"] == "token"
    assert there["GLOO_SOCKET_IFNAME"] == "lo"
    heard = [
        (process.name(), socket.laddr.ip)
        for process in (psutil.Process(), *psutil.Process().children(recursive=True))
        for socket in process.net_connections(kind="inet")
        if socket.status == psutil.CONN_LISTEN
    ]
    assert {name for name, _ in heard} >= {"gcs_server", "raylet"}
    assert {ip for _, ip in heard} <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}, heard
