"""Machines made of Linux namespaces: each with its own processes, network, home and Ray.

What a cluster launcher does to a machine (`ray stop`, ~/.bashrc, port 22, /tmp/ray) stays inside,
so that the cluster files can be used as they are shipped. /mnt/shared is one folder for all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

# Runs as the first process of a machine: $1 its folder, $2 its name, $3 the shared folder.
BOOT = """
set -e
hostname "$2"
ip link set lo up
mount -t tmpfs none /run && mkdir /run/sshd && mount -t tmpfs none /var/log
mkdir -p /tmp/ray && mount -t tmpfs none /tmp/ray
exec 5<"$1" 6<"$3"
mount -t tmpfs none /mnt && mkdir /mnt/home /mnt/shared
mount --bind "/proc/$$/fd/5" /mnt/home && mount --bind "/proc/$$/fd/6" /mnt/shared
mount --bind /mnt/home/passwd /etc/passwd
exec 5<&- 6<&- /usr/sbin/sshd -D -e -f /mnt/home/sshd_config
"""
SSHD = """
HostKey /mnt/home/host_key
AuthorizedKeysFile /mnt/home/.ssh/authorized_keys
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
PidFile none
PrintLastLog no
"""
OWN = ("unshare", "--net", "--mount", "--pid", "--uts", "--fork", "--mount-proc")
PROGRAMS = ("sshd", "ssh", "ssh-keygen", "rsync", "unshare", "nsenter", "ip", "mount")
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


def impossible() -> str:
    """Why no machine can be made here; nothing where one can."""
    if missing := [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]:
        return f"these programs are missing: {', '.join(missing)}"
    tried = subprocess.run(
        [*OWN, "mount", "-t", "tmpfs", "none", "/mnt"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"no namespaces: {tried.stderr.strip()}" if tried.returncode else ""


class Machine:
    """One that runs sshd for a user `ubuntu`, who has root's rights in there."""

    def __init__(self, folder: Path, name: str, key: Path, shared: Path) -> None:
        self.home = folder
        (folder / ".ssh").mkdir(parents=True)
        shutil.copy(key.with_suffix(".pub"), folder / ".ssh" / "authorized_keys")
        (folder / "sshd_config").write_text(SSHD)
        (folder / "passwd").write_text(
            # first, so that ssh, which looks for its user's home by number, finds this one
            "ubuntu:x:0:0::/mnt/home:/bin/bash\n" + Path("/etc/passwd").read_text()
        )
        generate_key(folder / "host_key")
        with (folder / "sshd.log").open("w") as log:
            self._process = subprocess.Popen(
                [*OWN, "--kill-child", "bash", "-c", BOOT, "boot", folder, name, shared],
                stdout=log,
                stderr=log,
                env={"PATH": PATH},
            )
        end = time.monotonic() + 20
        while "listening" not in self.log():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < end, self.log()
            time.sleep(0.05)
        self.pid = psutil.Process(self._process.pid).children()[0].pid

    def log(self) -> str:
        """What its sshd says."""
        return (self.home / "sshd.log").read_text()

    def inside(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the tester's in its network; nothing else of the machine is seen."""
        return subprocess.run(
            ["nsenter", "--target", str(self.pid), "--net", *words],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PATH": PATH} | settings,
        )

    def runs(self, name: str) -> bool:
        """Whether a program of this name runs on it."""
        below = {each.pid for each in psutil.Process(self.pid).children(recursive=True)}
        return any(
            each.pid in below and each.info["name"] == name
            for each in psutil.process_iter(["name"])
        )

    def end(self) -> None:
        """It and all that runs in it are gone."""
        self._process.kill()
        self._process.wait(20)


def generate_key(path: Path) -> None:
    """A pair of keys for ssh, without a password."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)


@contextmanager
def pair(folder: Path, key: Path, shared: Path) -> Iterator[tuple[Machine, Machine]]:
    """Two machines with a cable between them: 10.77.0.1 and 10.77.0.2."""
    head = Machine(folder / "head", "head", key, shared)
    try:
        worker = Machine(folder / "worker", "worker", key, shared)
        try:
            cable = ["ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns"]
            assert head.inside(*cable, str(worker.pid)).returncode == 0
            for machine, own in ((head, "10.77.0.1"), (worker, "10.77.0.2")):
                for line in (
                    f"addr add {own}/24 dev eth0",
                    "link set eth0 up",
                    "route add default dev eth0",
                ):
                    said = machine.inside("ip", *line.split())
                    assert said.returncode == 0, said.stderr
            yield head, worker
        finally:
            worker.end()
    finally:
        head.end()
