"""Where a launch comes from: code, packages and hardware. No host name, no user name."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sweeper.redaction import redacted

PACKAGES = {
    "sweeper": "prompt-sweeper",
    "torch": "torch",
    "torchvision": "torchvision",
    "timm": "timm",
    "open_clip": "open_clip_torch",
    "ray": "ray",
    "optuna": "optuna",
    "mlflow": "mlflow",
    "numpy": "numpy",
}


def collect() -> dict[str, str]:
    """Everything here under flat names: command, code, hardware, `version.<package>`."""
    found = {"command": command(), "hardware": hardware(), **code()}
    return found | {f"version.{name}": text for name, text in versions().items()}


def command() -> str:
    """The command line of this process as a user types it, without the folder of its program, and
    without secrets.
    """
    program = Path(sys.argv[0])
    name = program.parent.name if program.name == "__main__.py" else program.name
    return shlex.join([name, *map(redacted, sys.argv[1:])])


def versions() -> dict[str, str]:
    """The installed version of Python and of every package that can move a number."""
    found = {"python": platform.python_version()}
    for name, distribution in PACKAGES.items():
        try:
            found[name] = version(distribution)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def code(source: Path | None = None) -> dict[str, str]:
    """Commit of sweeper's own checkout, whether it is dirty, and the digest of what differs.

    source: a folder of the checkout; default: this package. `commit` is 'none' where the
    package does not come from a git checkout.
    """
    folder = source or Path(__file__).resolve().parents[1]
    commit = _git(folder, "rev-parse", "HEAD")
    # Installed into an environment inside somebody's own repository, no file here is tracked.
    tracked = _git(folder, "ls-files", ".")
    if not commit or not tracked:
        return {"commit": "none", "dirty": "unknown"}
    root = Path((_git(folder, "rev-parse", "--show-toplevel") or b"").decode().strip())
    difference = _git(root, "diff", "HEAD", "--binary") or b""
    untracked = _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", "*.py") or b""
    found = {"commit": commit.decode().strip(), "dirty": "no"}
    if difference or untracked:
        digest = hashlib.sha256(difference)
        for name in sorted(filter(None, untracked.split(b"\0"))):
            digest.update(name + b"\0" + (root / os.fsdecode(name)).read_bytes())
        found |= {"dirty": "yes", "difference": digest.hexdigest()[:16]}
    return found


def hardware() -> str:
    """Processor, cores, memory and GPUs, such as 'x86_64 AMD EPYC 7B13, 2 cores, 8 GiB'."""
    model = platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = information.read_text(encoding="utf-8", errors="replace").splitlines()
        named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        model = " ".join([model, *named[:1]])
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    gpus = (_printed("nvidia-smi", "--query-gpu=name", "--format=csv,noheader") or b"").decode()
    return ", ".join(
        [model, f"{os.cpu_count()} cores", f"{memory:.0f} GiB", *gpus.split("\n")[:-1]]
    )


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints, or None where there is no git, no repository or no commit."""
    return _printed("git", "-C", str(folder), *arguments)


def _printed(*command: str) -> bytes | None:
    """What a program prints, or None where there is none or it refuses."""
    try:
        run = subprocess.run(command, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return run.stdout if run.returncode == 0 else None
