"""python cluster/node_check.py --results /mnt/shared/results [--mark | --head HOST:6379]

Says whether this machine can be a node of a cluster, one line a check, and ends with 1 where it
cannot. Needs nothing but Python's own library; costs seconds, and writes one small file into the
results folder, which it removes. With --mark (the head) it leaves `.sweeper-head.json` there; with
--head (a worker) it looks for that file, so that a folder of the same name on another disk is
noticed, and tries the head's port. Nothing in here is to be changed: the limits are options.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

MARK = ".sweeper-head.json"
SECONDS = 10  # for the driver of the GPUs, and for the head's port
CLOCK = 5.0  # seconds that two clocks may differ
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


class Unfit(Exception):
    """What is wrong, and what to do."""


def python() -> str:
    """The version that the lock file was made for, or newer."""
    if tuple(sys.version_info) < (3, 11):  # this file itself runs on older ones too
        raise Unfit(f"{VERSION}; expected 3.11 or newer: run cluster/setup.sh")
    return VERSION


def gpus(least: int, memory: float) -> str:
    """At least `least` GPUs whose driver answers, each with `memory` GiB."""
    program = shutil.which("nvidia-smi")
    if program is None:
        if least or Path("/dev/nvidia0").exists():
            raise Unfit(f"no nvidia-smi; expected {max(least, 1)} GPU(s): install the driver")
        return "none"
    query = [
        program,
        "--query-gpu=name,memory.total,driver_version",
        "--format=csv,noheader,nounits",
    ]
    try:
        said = subprocess.run(query, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unfit(f"nvidia-smi does not answer: {error}") from error
    if said.returncode:
        first = (said.stdout + said.stderr).strip().splitlines() or ["no reason given"]
        raise Unfit(f"nvidia-smi: {first[0]}. Repair the driver, or reboot")
    found = [line.split(", ") for line in said.stdout.strip().splitlines()]
    small = [name for name, size, _ in found if float(size) / 1024 < memory]
    if len(found) < least or small:
        raise Unfit(f"{len(found)} GPU(s); expected {least} of {memory:g} GiB")
    return ", ".join(f"{n}, {float(m) / 1024:.0f} GiB, driver {d}" for n, m, d in found)


def disk(least: float) -> str:
    """Free room at home, where the environment is, and in Ray's folder."""
    room = {path: shutil.disk_usage(path).free / 2**30 for path in (str(Path.home()), "/tmp")}
    said = ", ".join(f"{free:.0f} GiB free in {path}" for path, free in room.items())
    if min(room.values()) < least:
        raise Unfit(f"{said}; expected {least:g} GiB")
    return said


def results(folder: Path) -> str:
    """It is there and can be written."""
    if not folder.is_dir():
        raise Unfit(f"{folder} is not there: mount the shared folder")
    own = folder / f".node-check-{uuid.uuid4().hex}"
    try:
        own.write_text("written")
        seen = own.read_text()
        own.unlink()
    except OSError as error:
        raise Unfit(f"{folder}: {error}") from error
    return f"{folder} is {seen}, {shutil.disk_usage(folder).free / 2**30:.0f} GiB free"


def mark(folder: Path) -> str:
    """Leave the file by which workers know the folder."""
    draft = folder / f"{MARK}.{os.getpid()}"
    draft.write_text(json.dumps({"python": VERSION, "host": socket.gethostname()}))
    draft.replace(folder / MARK)
    return f"{MARK} is written"


def same_folder(folder: Path) -> str:
    """The file that the head left is seen here too, and the head has the same Python."""
    try:
        head = json.loads((folder / MARK).read_text())
    except FileNotFoundError as error:
        raise Unfit(
            f"the head's {folder / MARK} is not seen here: mount the same folder"
        ) from error
    if head["python"] != VERSION:
        raise Unfit(f"Python {VERSION}, and {head['python']} on the head: run cluster/setup.sh")
    return f"the folder of {head['host']}"


def reach(address: str) -> str:
    """The head's port takes a connection."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS).close()
    except (OSError, ValueError) as error:
        raise Unfit(
            f"{address}: {error}. Start the head first; open this port between nodes"
        ) from error
    return f"{address} answers"


def clock(folder: Path) -> str:
    """This machine's clock against the one of whoever keeps the shared folder."""
    own = folder / f".node-check-{uuid.uuid4().hex}"
    try:
        before = time.time()
        own.write_text("clock")
        after = time.time()
        there = own.stat().st_mtime
        own.unlink()
    except OSError as error:
        raise Unfit(f"{folder}: {error}") from error
    offset = there - min(max(there, before), after)
    if abs(offset) > CLOCK:
        raise Unfit(
            f"{-offset:+.1f} s against {folder}; expected {CLOCK:g} at most: start an NTP client"
        )
    return f"{-offset:+.1f} s against {folder}"


def checks(options: argparse.Namespace) -> list[tuple[str, Callable[[], str]]]:
    """What is looked at, in this order."""
    folder = options.results
    wanted: list[tuple[str, Callable[[], str]]] = [
        ("python", python),
        ("gpus", lambda: gpus(options.gpus, options.gpu_memory)),
        ("disk", lambda: disk(options.disk)),
        ("results", lambda: results(folder)),
        ("clock", lambda: clock(folder)),
    ]
    if options.mark:
        wanted.append(("mark", lambda: mark(folder)))
    if options.head:
        wanted.append(("shared", lambda: same_folder(folder)))
        wanted.append(("head", lambda: reach(options.head)))
    return wanted


def main(words: list[str] | None = None) -> int:
    """Print a line a check; 1 where one of them says no."""
    parser = argparse.ArgumentParser(description="Whether this machine can be a node of a cluster.")
    parser.add_argument(
        "--results", type=Path, required=True, help="the folder that all nodes mount"
    )
    parser.add_argument("--head", help="HOST:PORT of Ray on the head; for a worker")
    parser.add_argument("--mark", action="store_true", help="this is the head: leave its mark")
    parser.add_argument("--gpus", type=int, default=0, help="how many there have to be")
    parser.add_argument("--gpu-memory", type=float, default=0, help="GiB that each has to have")
    parser.add_argument("--disk", type=float, default=5, help="GiB that have to be free")
    fit = True
    for name, look in checks(parser.parse_args(words)):
        try:
            print(f"{name:8} ok      {look()}", flush=True)
        except (Unfit, OSError) as error:
            fit = False
            print(f"{name:8} NOT OK  {error}", flush=True)
    return 0 if fit else 1


if __name__ == "__main__":
    sys.exit(main())
