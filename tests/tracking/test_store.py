import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sweeper.errors import StoreError
from sweeper.tracking.store import check, exists, expected_schema, guard, open_store, shortened

from . import made


def uri_of(path: Path) -> str:
    return f"sqlite:///{path}"


def test_a_new_store_is_whole_and_leaves_nothing_beside_it(tmp_path):
    store = made.blank_store(tmp_path)
    assert store.client.search_experiments()[0].name == "Default"
    assert store.artifacts == tmp_path / "mlartifacts"
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


def test_the_expected_schema_is_the_one_that_mlflow_makes(tmp_path):
    made.blank_store(tmp_path)
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    assert found == [(expected_schema(),)]


def test_a_store_of_another_version_is_refused_and_untouched(tmp_path):
    made.blank_store(tmp_path)
    path = tmp_path / "mlflow.db"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0123456789ab'")
        connection.execute("DROP TABLE spans")  # MLflow itself would migrate this one
    before = path.read_bytes()
    for create in (True, False):
        with pytest.raises(StoreError, match=r"found schema 0123456789ab, expected \w+.*upgrade"):
            open_store(uri_of(path), create=create)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["mlflow.db"]


def test_a_locked_store_is_refused_in_seconds_but_can_be_read(tmp_path, monkeypatch):
    made.blank_store(tmp_path)
    monkeypatch.setattr("sweeper.tracking.store.PATIENCE", 0.2)
    holder = sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    started = time.monotonic()
    with pytest.raises(StoreError, match="locked"):
        open_store(uri_of(tmp_path / "mlflow.db"), create=True)
    assert time.monotonic() - started < 5
    check(uri_of(tmp_path / "mlflow.db"))
    holder.close()


def test_a_dead_server_is_refused_in_seconds():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(StoreError, match="does not answer"):
        open_store(f"http://127.0.0.1:{port}")
    assert time.monotonic() - started < 5


def test_a_server_that_accepts_and_says_nothing_is_refused_in_seconds(monkeypatch):
    monkeypatch.setattr("sweeper.tracking.store.PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        accepting = threading.Thread(target=silent.accept, daemon=True)
        accepting.start()
        with pytest.raises(StoreError, match="does not answer"):
            open_store(f"http://127.0.0.1:{silent.getsockname()[1]}")


class Refusing(BaseHTTPRequestHandler):
    """A server whose health is well and that has nothing but `code` for everything else."""

    code = 503

    def answer(self):
        self.send_response(200 if self.path == "/health" else self.code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_server_that_refuses_for_now_is_a_store_error_in_seconds(monkeypatch, code):
    monkeypatch.setattr(Refusing, "code", code)
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        uri = f"http://127.0.0.1:{server.server_port}"
        store = open_store(uri)
        started = time.monotonic()
        with (
            pytest.raises(StoreError, match="saying hello failed") as caught,
            guard(uri, "saying hello"),
        ):
            store.log("0" * 32, tags={"a": "b"})
        server.shutdown()
    assert time.monotonic() - started < 15
    assert not caught.value.refused


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("./mlruns", "not a store that can be used"),
        ("file:///tmp/mlruns", "not a store that can be used"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_what_is_no_store_is_refused_with_what_is(uri, message):
    with pytest.raises(StoreError, match=message):
        open_store(uri, create=True)


def test_a_file_that_is_no_store_is_refused_and_untouched(tmp_path):
    text = tmp_path / "text.db"
    text.write_text("not a database, but long enough to be taken for one " * 40)
    with pytest.raises(StoreError, match="not a database"):
        open_store(uri_of(text), create=True)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE diary (day TEXT)")
    before = other.read_bytes()
    with pytest.raises(StoreError, match="no MLflow store"):
        open_store(uri_of(other), create=True)
    assert other.read_bytes() == before


def test_a_place_that_cannot_hold_a_store_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    uri = uri_of(tmp_path / "file" / "mlflow.db")
    with pytest.raises(StoreError, match="not a folder that can be written"):
        open_store(uri, create=True)


def test_reading_an_absent_store_makes_none(tmp_path):
    uri = uri_of(tmp_path / "deep" / "mlflow.db")
    assert not exists(uri)
    with pytest.raises(StoreError, match="there is no store; run a sweep first"):
        open_store(uri)
    assert list(tmp_path.iterdir()) == []


def test_checking_is_quick_because_it_imports_no_mlflow(tmp_path):
    made.blank_store(tmp_path)
    program = (
        "import sys; from sweeper.tracking.store import check\n"
        f"check({uri_of(tmp_path / 'mlflow.db')!r}, create=True)\n"
        "assert 'mlflow' not in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


@pytest.mark.slow
def test_making_a_store_prints_nothing(tmp_path):
    program = (
        "from sweeper.tracking.store import open_store\n"
        f"open_store({uri_of(tmp_path / 'mlflow.db')!r}, create=True)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert (run.stdout, run.stderr) == (b"", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


def test_a_long_text_keeps_both_its_ends():
    assert shortened("short", 10) == "short"
    text = shortened("a" * 50 + "b" * 50, 20)
    assert len(text) == 20
    assert text.startswith("a")
    assert text.endswith("b")
