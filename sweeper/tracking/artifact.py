"""Files that a run keeps in the store: put there, and found where they stand now."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Protocol

from sweeper.errors import StoreError
from sweeper.tracking.store import Store, guard


class Keeper(Protocol):
    """A launch or a trial, as `sweeper.tracking.history` reads it."""

    @property
    def run_id(self) -> str:
        """Its run in the store."""
        ...

    @property
    def artifact_uri(self) -> str:
        """Where its artifacts were when they were written."""
        ...


def artifact(store: Store, run: Keeper, name: str) -> Path | None:
    """The artifact `name` of `run` as a local file, or None where there is none.

    A local store may have been moved since. Raises StoreError where a server fails, or the name,
    which may be made of what a run says, leads out of the run's artifacts.
    """
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\0" in name:
        raise StoreError(f"{store.uri}: run {run.run_id} names {name!r}, outside of its artifacts")
    if store.artifacts is not None:
        inside = Path(run.artifact_uri.removeprefix("file://"))
        moved = store.artifacts.joinpath(*inside.parts[-3:])
        return next((at / name for at in (moved, inside) if (at / name).is_file()), None)
    from mlflow.artifacts import download_artifacts

    folder = str(PurePosixPath(name).parent)
    with guard(store.uri, f"reading {name}"):
        listed = store.client.list_artifacts(run.run_id, None if folder == "." else folder)
        if name not in {item.path for item in listed}:
            return None
        return Path(
            download_artifacts(run_id=run.run_id, artifact_path=name, tracking_uri=store.uri)
        )


def attach(store: Store, run: Keeper, files: Iterable[Path], name: str) -> None:
    """Keep `files` with `run`, under `name`, over earlier ones of the same names."""
    with guard(store.uri, f"keeping {name}"):
        for file in files:
            store.client.log_artifact(run.run_id, str(file), name)
