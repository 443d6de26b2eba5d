"""What the driver and all nodes of a cluster write and read: a launch's scratch, user's files."""

from __future__ import annotations

import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sweeper.errors import ClusterError
from sweeper.execution.nodes import Node, ask, troubles
from sweeper.tasks import catalog as tasks

VISIBLE_SECONDS = 5  # until a file that one node wrote is seen by another


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder for Tune's own files in `folder`, gone at the end of the block.

    Its name says whose it is: what a killed driver of this machine left is removed first.
    """
    host = socket.gethostname()
    for left in folder.glob(f"tune-{host}-*"):
        if not _lives(int(left.name.rpartition("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
    own = folder / f"tune-{host}-{os.getpid()}"
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def check_reach(folder: Path, paths: Sequence[str], nodes: Sequence[Node]) -> None:
    """Raises ClusterError, with all that is wrong, unless each of `nodes` reads and writes in
    `folder` what this process does, and has `paths`.

    A folder that is made for the check is removed again on refusal.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    token = uuid.uuid4().hex
    written = folder / f".reach-{token}"
    try:
        written.write_text(token)
        lacking = troubles(ask(nodes, _lacks, str(written), token, list(paths)))
    finally:
        for path in folder.glob(f".reach-{token}*"):
            path.unlink()
    if not lacking:
        return
    for path in made:
        path.rmdir()
    raise ClusterError(
        "\n".join(
            [
                f"not all of the {len(nodes)} nodes that may train reach the files of this launch:",
                *lacking,
                "Give --results on storage that every node reaches under the same path (NFS, a "
                "mounted bucket), and keep images and weights on such storage too.",
            ]
        )
    )


def files_of(folders: Mapping[str, str], weights: Mapping[str, str]) -> list[str]:
    """The user's own images and files of weights, which workers read by their paths."""
    images = {str(path) for name in folders.values() for path in tasks.folders_of(name)}
    return sorted(images | set(weights.values()))


def _lacks(written: str, token: str, paths: Sequence[str]) -> list[str]:
    """What the node that this runs on lacks; leaves a file beside `written` where it sees that."""
    path, end = Path(written), time.monotonic() + VISIBLE_SECONDS
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.1)
    lost = [f"it has no {each}" for each in paths if not Path(each).exists()]
    try:
        if path.read_text() != token:
            return [f"{path.parent} is another folder there", *lost]
    except OSError as error:
        return [f"what is written to {path.parent} is not seen there ({error.strerror})", *lost]
    try:
        Path(f"{path}.{uuid.uuid4().hex}").write_text(token)
    except OSError as error:
        return [f"it cannot write to {path.parent} ({error.strerror})", *lost]
    return lost
