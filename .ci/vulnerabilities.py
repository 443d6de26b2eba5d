"""Is a known vulnerability in what requirements.lock installs? `make check` asks.

pip-audit runs in an environment of its own, so that its packages are none of ours. Where the index
cannot be reached, or knows nothing of vulnerabilities (many mirrors do not), one line says so and
the check passes; pip-audit by itself would call that "no known vulnerabilities".
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"
UV = Path(sys.executable).with_name("uv")
SECONDS = 300
ACCEPTED: dict[str, str] = {}  # id of a vulnerability -> the day, and why we live with it


def main(lock: Path = LOCK) -> int:
    """0: none, or not known; 1: there are some."""
    lines = [each for each in lock.read_text(encoding="utf-8").splitlines() if "==" in each]
    with tempfile.TemporaryDirectory() as folder:
        one = Path(folder, "one.txt")
        one.write_text(lines[0])
        known = _audited(one)  # before two hundred questions, one
    known = known and "vulns" in known[0] and _audited(lock)
    if not known:
        sys.stdout.write("vulnerabilities: not checked, the index cannot be asked about them\n")
        return 0
    found = [(package, each) for package in known for each in package.get("vulns", [])]
    for package, each in found:
        fixed = ", ".join(each["fix_versions"]) or "no version yet"
        accepted = f"; accepted {ACCEPTED[each['id']]}" if each["id"] in ACCEPTED else ""
        told = f"{package['name']} {package['version']}: {each['id']}, fixed in {fixed}{accepted}"
        sys.stdout.write(f"vulnerabilities: {told}\n")
    unknown = sum(1 for package in known if "vulns" not in package)
    told = f"{len(found)} in {len(known)} packages, {unknown} of them not known to the index"
    sys.stdout.write(f"vulnerabilities: {told}\n")
    return int(any(each["id"] not in ACCEPTED for _, each in found))


def _audited(requirements: Path) -> list[dict[str, Any]] | None:
    """What pip-audit says of each package; None where it could not ask."""
    command = [str(UV), "tool", "run", "--quiet", "--from", "pip-audit>=2.9,<3", "pip-audit"]
    command += ["--requirement", str(requirements), "--no-deps", "--disable-pip"]
    command += ["--format", "json", "--progress-spinner", "off"]
    try:
        run = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        found: list[dict[str, Any]] = json.loads(run.stdout)["dependencies"]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    return found


if __name__ == "__main__":
    sys.exit(main())
