"""What the driver and all nodes of a cluster write and read: a launch's scratch, user's files."""

from __future__ import annotations

import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sweeper.errors import ClusterError
from sweeper.execution.survey import Node, ask, troubles
from sweeper.holder import lives
from sweeper.tasks import catalog as tasks

VISIBLE_SECONDS = 5  # until a file that one node wrote is seen by another
LAST_WORDS = 4 * 2**20  # bytes that a launch holds, to let them go when the disk is full


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder for Tune's own files in `folder`, gone at the end of the block.

    Its name says whose it is: what a killed driver of this machine left is removed first. It holds
    some room, so that why a launch ended can still be recorded on a disk that is full.
    """
    host = socket.gethostname()
    for left in folder.glob(f"tune-{host}-*"):
        if not lives(int(left.name.rpartition("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
    own = folder / f"tune-{host}-{os.getpid()}"
    try:
        own.mkdir(exist_ok=True)  # a worker on its way out may have kept an earlier one
        (own / "room").write_bytes(b"0" * LAST_WORDS)
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)


def check_reach(folder: Path, paths: Sequence[str], nodes: Sequence[Node]) -> None:
    """Raises ClusterError, with all that is wrong, unless each of `nodes` reads and writes in
    `folder` what this process does, and has `paths`. On refusal nothing is left behind.
    """
    with signed(folder) as sign:
        lacking = troubles(ask(nodes, lacks, sign, list(paths)))
        if lacking:
            raise ClusterError(
                "\n".join(
                    [
                        f"not all of the {len(nodes)} nodes that may train reach this launch's "
                        "files:",
                        *lacking,
                        "Give --results on storage that every node reaches under the same path "
                        "(NFS, a mounted bucket), and keep images and weights on such storage too.",
                    ]
                )
            )


@contextmanager
def signed(folder: Path, *, keep: bool = True) -> Iterator[str]:
    """The path of a file in `folder` that holds its own name, for the time of the block.

    A folder made for it is removed again after an error, or where it is not to be kept.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    sign = folder / f".reach-{uuid.uuid4().hex}"
    try:
        sign.write_text(sign.name)
        yield str(sign)
    except BaseException:
        keep = False
        raise
    finally:
        for path in folder.glob(f"{sign.name}*"):
            path.unlink()
        with suppress(OSError):  # somebody else uses it by now
            for path in () if keep else made:
                path.rmdir()


def files_of(folders: Mapping[str, str], weights: Mapping[str, str]) -> list[str]:
    """The user's own images and files of weights, which workers read by their paths."""
    images = {str(path) for name in folders.values() for path in tasks.folders_of(name)}
    return sorted(images | set(weights.values()))


def lacks(sign: str, paths: Sequence[str] = ()) -> list[str]:
    """What the node that this runs on lacks of `paths` and of the folder of `sign`.

    It leaves a file beside `sign`, but only where it sees that.
    """
    path, end = Path(sign), time.monotonic() + VISIBLE_SECONDS
    while not os.path.exists(path) and time.monotonic() < end:
        time.sleep(0.1)
    lost = [f"it has no {each}" for each in paths if not os.path.exists(each)]
    try:
        path.read_text()
    except OSError as error:
        return [f"it does not see what is written to {path.parent} ({error.strerror})", *lost]
    try:
        Path(f"{path}.{uuid.uuid4().hex}").write_text("")
    except OSError as error:
        return [f"it cannot write to {path.parent} ({error.strerror})", *lost]
    return lost
