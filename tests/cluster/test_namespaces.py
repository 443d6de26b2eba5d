"""Two network namespaces with addresses of their own, as two machines have them.

The second one sees other folders than the first where the test says so: then nothing is launched
and nothing is written; with one folder for both the same command trains on both.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chaos.world import ORDERS, cells, same, sweep_file

from .machines import command, results, token

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
HEAD, OTHER = "198.18.77.1", "198.18.77.2"  # of a range that is kept for tests
PORT = 6379
GCS = f"{HEAD}:{PORT}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("namespaces")
    for name in ("shared", "orders"):
        (folder / name).mkdir()
    sweep_file(folder, epochs=3)
    return folder


@pytest.fixture(scope="module")
def environment(folder: Path) -> dict[str, str]:
    return token(folder) | {ORDERS: str(folder / "orders"), "RAY_USAGE_STATS_ENABLED": "0"}


@pytest.fixture(scope="module")
def names() -> Iterator[tuple[str, str]]:
    """Two network namespaces, joined by a cable."""
    if os.geteuid() or not shutil.which("ip") or not shutil.which("nsenter"):
        pytest.skip("network namespaces want root, ip and nsenter")
    a, b = (f"sweeper-{os.getpid()}-{end}" for end in "ab")
    if ip("netns", "add", a, check=False).returncode:
        pytest.skip("this kernel gives no network namespaces")
    with ExitStack() as undo:
        undo.callback(ip, "netns", "del", a)
        ip("netns", "add", b)
        undo.callback(ip, "netns", "del", b)
        ip("link", "add", "veth0", "netns", a, "type", "veth", "peer", "name", "veth0", "netns", b)
        for name, address in ((a, HEAD), (b, OTHER)):
            ip("-n", name, "addr", "add", f"{address}/30", "dev", "veth0")
            ip("-n", name, "link", "set", "veth0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield a, b


@pytest.fixture(scope="module")
def second(names: tuple[str, str], folder: Path, environment: dict[str, str]) -> Iterator[int]:
    """A node in each namespace; the process whose mounts the second one has. `shared` is empty
    there, and its own.
    """
    ray = f"{sys.executable} -m ray.scripts.scripts start --num-cpus=1 --block"
    head = f"{ray} --head --port={PORT} --include-dashboard=false --node-ip-address={HEAD}"
    other = f"{ray} --address={GCS} --node-ip-address={OTHER}"
    with ExitStack() as undo:
        started(names[0], head, folder, environment, undo)
        wait_for(lambda: answers(names[0]))
        hide = f"mount -t tmpfs none {folder}/shared && exec {other}"
        pid = started(names[1], f"unshare -m sh -c '{hide}'", folder, environment, undo)
        wait_for(lambda: joined(names[1], folder))
        yield pid


def ip(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True)


def started(
    name: str, line: str, folder: Path, environment: dict[str, str], undo: ExitStack
) -> int:
    """Run `line` in the namespace until the end, and end it with all that it has started."""
    process = subprocess.Popen(
        ["ip", "netns", "exec", name, "sh", "-c", f"exec {line}"],
        cwd=folder,
        env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
        stdout=(folder / f"{name}.log").open("w"),
        stderr=subprocess.STDOUT,
    )
    undo.callback(process.wait, 60)
    undo.callback(process.terminate)
    return process.pid


def answers(name: str) -> bool:
    seek = f"import socket; socket.create_connection(('{HEAD}', {PORT}), 1)"
    said = subprocess.run(
        ["ip", "netns", "exec", name, sys.executable, "-c", seek], capture_output=True, check=False
    )
    return said.returncode == 0


def joined(name: str, folder: Path) -> bool:
    """Whether the node of the namespace has said that it is part of the cluster."""
    return "Ray runtime started" in (folder / f"{name}.log").read_text()


def wait_for(reached: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, f"not reached in {seconds} s"
        time.sleep(0.5)


def test_two_machines_refuse_a_folder_of_their_own_and_share_one(
    names: tuple[str, str],
    second: int,
    folder: Path,
    environment: dict[str, str],
    alone: Path,
) -> None:
    to = ("--address", GCS, "--results", "shared/results")
    inside = ("ip", "netns", "exec", names[0])

    def sweeper(*words: str) -> subprocess.CompletedProcess[str]:
        return command(*words, *to, folder=folder, environment=environment, inside=inside)

    def doctor() -> dict[str, dict[str, str]]:
        said = sweeper("doctor", "--json")
        assert said.returncode == 2, said.stdout
        found = json.loads(said.stdout)["findings"]
        return {each["what"]: each for each in found if each["what"].startswith("node ")}

    nodes = doctor()
    assert len(nodes) == 2
    lost = next(found for what, found in nodes.items() if OTHER in what)
    well = next(found for what, found in nodes.items() if HEAD in what)
    assert (well["ok"], lost["ok"]) == (True, False)
    assert f"does not see what is written to {folder}/shared/results" in lost["found"]

    refused = sweeper("run", "chaos.yaml")
    assert refused.returncode == 2, refused.stderr
    assert f"({OTHER}): it does not see what is written to" in refused.stderr
    assert f"({HEAD})" not in refused.stderr
    assert "Give --results on storage that every node reaches" in " ".join(refused.stderr.split())
    assert not list((folder / "shared").iterdir()), "the refusal left something"

    subprocess.run(["nsenter", "-t", str(second), "-m", "umount", f"{folder}/shared"], check=True)
    ran = sweeper("run", "chaos.yaml")
    assert ran.returncode == 0, ran.stderr
    used = {result.provenance["node"].split()[0] for result in results(folder / "shared")}
    assert used == {HEAD, OTHER}
    same(cells(folder / "shared"), cells(alone))
