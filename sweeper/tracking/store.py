"""The MLflow store: found, checked before it is touched, created once, opened.

`check` needs neither mlflow nor seconds: it reads the schema version of the database and of the
installed mlflow, and never migrates or writes. Creating a SQLite store is atomic: the schema is
made in a file beside it, which then gets its name, so that a kill leaves either no store or a
whole one.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeper.errors import StoreError
from sweeper.redaction import redacted
from sweeper.tracking import names

if TYPE_CHECKING:
    from mlflow import MlflowClient

PATIENCE = 5.0  # seconds that `check` waits for a lock or an answer
_SQL = ("postgresql", "mysql", "mssql")


@dataclass(frozen=True)
class Store:
    """An open store. `artifacts` is the folder of a local one; None: the server decides."""

    uri: str
    artifacts: Path | None
    client: MlflowClient

    def create_run(
        self, experiment: str, name: str, tags: Mapping[str, str], at: int | None = None
    ) -> str:
        """A new run in the experiment with this id, begun `at` or now; returns the run's id."""
        told, title = {key: redacted(value) for key, value in tags.items()}, redacted(name)
        run = self.client.create_run(experiment, start_time=at, tags=told, run_name=title)
        return str(run.info.run_id)

    def log(
        self,
        run_id: str,
        *,
        metrics: Mapping[str, float] | None = None,
        step: int = 0,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        at: int | None = None,
    ) -> None:
        """One request for all that is to be said about a run now; secrets are left out.

        at: when it happened, milliseconds since 1970; default: now. A metric that is told again,
        with its time, leaves no second point.
        """
        from mlflow.entities import Metric, Param, RunTag

        when = time.time_ns() // 1_000_000 if at is None else at
        self.client.log_batch(
            run_id,
            metrics=[Metric(key, value, when, step) for key, value in (metrics or {}).items()],
            params=[
                Param(key, shortened(redacted(str(value)), names.PARAM_LIMIT))
                for key, value in (params or {}).items()
            ],
            tags=[
                RunTag(key, shortened(redacted(value), names.TAG_LIMIT))
                for key, value in (tags or {}).items()
            ],
        )


@contextmanager
def guard(uri: str, doing: str) -> Iterator[None]:
    """Turns whatever MLflow raises inside the block into a StoreError that says so."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        # what the database itself said, where SQLAlchemy and MLflow stand around it
        cause = getattr(error, "orig", None) or getattr(error.__cause__, "orig", None) or error
        first = str(cause).strip().splitlines()[0] if str(cause).strip() else repr(cause)
        if "error code 401" in first:
            first = (
                "the server asks who you are. Give MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD, or ~/.mlflow/credentials"
            )
        refused = getattr(error, "error_code", "") == "INVALID_PARAMETER_VALUE"
        raise StoreError(f"{uri}: {doing} failed: {first}", refused=refused) from error


def shortened(text: str, limit: int) -> str:
    """`text` itself, or its two ends around a mark if it has more than `limit` characters."""
    if len(text) <= limit:
        return text
    mark = " [...] "
    head = (limit - len(mark)) // 2
    return text[:head] + mark + text[-(limit - len(mark) - head) :]


def exists(uri: str) -> bool:
    """Whether there is something at `uri` to open; a server or database is taken to be there."""
    path = _sqlite_path(uri)
    return path is None or _holds_data(path)


def open_store(uri: str, *, create: bool = False) -> Store:
    """Checks `uri` and opens it; with `create`, for writing, and made if there is none.

    Raises StoreError in bounded time: another schema version, locked, read-only, unreachable.
    """
    check(uri, create=create)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # stdout is data
    # An absent server is noticed within some seconds; who writes records waits and tries again.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "1")
    from mlflow import MlflowClient

    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    path = _sqlite_path(uri)
    if path is not None and not _holds_data(path):
        _create(path)
    artifacts = path.absolute().parent / "mlartifacts" if path else None
    with guard(uri, "opening the store"):
        return Store(uri, artifacts, MlflowClient(tracking_uri=uri))


def check(uri: str, *, create: bool = False) -> None:
    """Raises StoreError unless `open_store` would succeed; changes nothing.

    create: the store may be absent (but must be possible) and has to be writable.
    """
    scheme = uri.partition(":")[0]
    path = _sqlite_path(uri)
    if path is not None:
        _check_sqlite(uri, path, create)
    elif scheme in ("http", "https"):
        _check_server(uri)
    elif scheme.partition("+")[0] in _SQL:
        _check_database(uri)
    else:
        raise StoreError(
            f"{uri}: not a store that can be used; expected sqlite:///FILE, http(s)://SERVER, "
            f"or a database ({', '.join(_SQL)}). Name one with --store or MLFLOW_TRACKING_URI"
        )


def _sqlite_path(uri: str) -> Path | None:
    if not uri.startswith("sqlite:"):
        return None
    path = uri.removeprefix("sqlite:///").partition("?")[0]
    if path == uri or path in ("", ":memory:"):
        raise StoreError(f"{uri}: names no file; expected sqlite:///FILE, or sqlite:////ABSOLUTE")
    return Path(path)


def _holds_data(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _check_sqlite(uri: str, path: Path, create: bool) -> None:
    if not _holds_data(path):
        if not create:
            raise StoreError(f"{uri}: there is no store; run a sweep first, or give --store")
        _check_folder(uri, path.absolute().parent)
        return
    # mode=rw, though nothing is written: after a kill, SQLite itself must roll its journal back.
    address = f"file:{urllib.parse.quote(str(path.absolute()))}?mode=rw"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE)) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
            if "alembic_version" not in tables:
                raise StoreError(f"{uri}: a database, but no MLflow store; give another --store")
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            _check_schema(uri, [str(row[0]) for row in rows])
            if create:
                connection.isolation_level = None
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
                _check_folder(uri, path.absolute().parent)
    except sqlite3.Error as error:
        raise StoreError(
            f"{uri}: cannot be {'written' if create else 'read'}: {error}. If another program "
            "holds it, end that first; otherwise check the file's rights and its content"
        ) from error


def _check_folder(uri: str, folder: Path) -> None:
    """`folder` is, or can be made, a folder that takes files, on a disk that is not full."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise StoreError(f"{uri}: {there} is not a folder that can be written")


def _check_server(uri: str) -> None:
    if "@" in urllib.parse.urlsplit(uri).netloc:
        raise StoreError(
            f"{uri}: an address with a user or a password, which would be seen in links and lists "
            "of processes; give MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
            "MLFLOW_TRACKING_TOKEN, and the address alone"
        )
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=PATIENCE):
            return
    except urllib.error.HTTPError as error:
        if error.code < 500:  # it answers; whether it lets us in, the first request tells
            return
        problem = f"answers {error.code} {error.reason}"
    except (OSError, ValueError) as error:
        problem = f"does not answer: {getattr(error, 'reason', None) or error}"
    raise StoreError(f"{uri}: the MLflow server {problem}. Start it, or give another --store")


def _check_database(uri: str) -> None:
    import sqlalchemy

    try:
        engine = sqlalchemy.create_engine(uri, connect_args={"connect_timeout": int(PATIENCE)})
        with engine.connect() as connection:
            if not sqlalchemy.inspect(connection).has_table("alembic_version"):
                return
            rows = connection.execute(sqlalchemy.text("SELECT version_num FROM alembic_version"))
            found = [str(row[0]) for row in rows]
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        raise StoreError(f"{uri}: cannot be reached: {error}") from error
    _check_schema(uri, found)


def _check_schema(uri: str, found: list[str]) -> None:
    expected = expected_schema()
    if found != [expected]:
        raise StoreError(
            f"{uri}: a store of another MLflow version: found schema {', '.join(found) or 'none'}, "
            f"expected {expected}. Nothing was changed. Give another --store, install the MLflow "
            f"that made it, or back it up and run `mlflow db upgrade {uri}`"
        )


def expected_schema() -> str:
    """The schema revision of the installed mlflow: the migration that no other one follows."""
    package = find_spec("mlflow")
    if package is None or not package.origin:
        raise StoreError("mlflow is not installed")
    folder = Path(package.origin).parent / "store" / "db_migrations" / "versions"
    revisions: set[str] = set()
    followed: set[str] = set()
    for file in folder.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        revisions |= set(re.findall(r"^revision = [\"'](\w+)[\"']", text, re.MULTILINE))
        for line in re.findall(r"^down_revision = (.+)$", text, re.MULTILINE):
            followed |= set(re.findall(r"[\"'](\w+)[\"']", line))
    heads = revisions - followed
    if len(heads) != 1:
        raise StoreError(f"{folder}: expected one newest migration, found {sorted(heads)}")
    return heads.pop()


def _create(path: Path) -> None:
    """A SQLite store with MLflow's schema at `path`; whole, or not at all."""
    from mlflow import MlflowClient

    path = path.absolute()
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with guard(f"sqlite:///{path}", "creating the store"):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        try:
            MlflowClient(tracking_uri=f"sqlite:///{draft}").search_experiments(max_results=1)
            if path.exists() and not path.stat().st_size:
                path.unlink()
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first, with the same schema
        finally:
            draft.unlink(missing_ok=True)
