"""Addresses that refuse, and what is told before anything is launched."""

from __future__ import annotations

import http.server
import threading
import time

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
