"""ray submit cluster/local.yaml cluster/submit.py -- run search_spaces/pgn_ablation.yaml

`ray submit` copies this one file to the head and runs it there with the words after `--`. It goes
to the project that the cluster file mounts (~/sweeper), joins the cluster, and runs `sweeper` with
those words. The project itself travels with `ray up`; bring an edited sweep or method with

    ray rsync-up cluster/local.yaml   # seconds; nothing restarts; the head hands it to workers

(`ray up` again and `ray submit --start` bring it too, but restart Ray and what runs on it.)
The head says the digest of the code that it runs, and `python cluster/submit.py --digest` the one
of your folder: if they differ, the head is behind, or has a file that you have removed.
Ray joins the words with blanks: quote twice what the shell of the head must not take apart, such
as `--set "'lr=[1e-3, 1e-2]'"`. Ray's own exit code is 0 or 1; sweeper's stands in the last line.
Nothing in here is to be changed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

MOUNTED = "~/sweeper"  # as in `file_mounts`
CODE = ("sweeper", "methods", "reports", "search_spaces", "cluster")
SUFFIXES = (".py", ".yaml", ".json", ".sh", ".safetensors")


def digest(project: Path) -> str:
    """Of all code and sweep files that travel; the same on the head and where they come from."""
    found = hashlib.sha256((project / "requirements.lock").read_bytes())
    for folder in CODE:
        for path in sorted((project / folder).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                found.update(path.relative_to(project).as_posix().encode() + b"\0")
                found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:12]


def main(words: list[str]) -> int:
    """Run `sweeper` with `words` in the mounted project; its exit code."""
    if words == ["--digest"]:
        print(digest(Path(__file__).resolve().parent.parent))
        return 0
    project = Path(MOUNTED).expanduser()
    if not (project / "sweeper" / "__main__.py").is_file():
        print(f"error: no project in {project}; `file_mounts` brings it: ray up", file=sys.stderr)
        return 2
    settings = os.environ | {"RAY_ADDRESS": os.environ.get("RAY_ADDRESS", "auto")}
    if "SWEEPER_RESULTS" not in settings:
        print("error: SWEEPER_RESULTS is not set; cluster/setup.sh does that", file=sys.stderr)
        return 2
    print(f"code {digest(project)}, results in {settings['SWEEPER_RESULTS']}", flush=True)
    command = [sys.executable, "-m", "sweeper", *words]
    with subprocess.Popen(command, cwd=project, env=settings) as running:
        while True:
            try:
                code = running.wait()
                break
            except KeyboardInterrupt:
                continue  # Ctrl-C reaches sweeper too, which ends as it sees fit
    print(f"sweeper ended with exit code {code}", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
