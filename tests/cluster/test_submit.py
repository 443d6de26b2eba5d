"""`ray up`, `ray submit`, `ray rsync-up` and `ray down` with cluster/local.yaml as it is shipped, on
two machines with an sshd each.
"""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.machine import Machine, generate_key, impossible, pair

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
RAY = str(Path(sys.executable).with_name("ray"))


@dataclass(frozen=True)
class Desk:
    """Where a user sits: a folder with the cluster file, a key, a token, and two machines in reach."""

    folder: Path
    head: Machine
    shared: Path

    def ray(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run Ray's command in the project's folder."""
        return self.head.inside(
            "env", f"--chdir={ROOT}", RAY, *words,
            HOME=str(self.folder), TMPDIR=str(self.folder), RAY_TMPDIR=str(self.folder),
            RAY_USAGE_STATS_ENABLED="0",
        )  # fmt: skip


def edited(text: str, **values: str) -> str:
    """A cluster file with what a user changes: the values below `metadata`, by their names."""
    for name, value in values.items():
        text, count = re.subn(rf"^(  {name}: &{name} ).*$", rf"\g<1>{value}", text, flags=re.M)
        assert count == 1, name
    return text


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    if reason := impossible():
        pytest.skip(reason)
    key, shared = tmp_path / "key", tmp_path / "shared"
    generate_key(key)
    shared.mkdir()
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text(secrets.token_hex(32))
    (tmp_path / "local.yaml").write_text(
        edited(
            (ROOT / "cluster" / "local.yaml").read_text(),
            head="10.77.0.1",
            workers="[10.77.0.2]",
            key=str(key),
            # the environment that runs this test, instead of a new one
            setup=f"bash ~/sweeper/cluster/setup.sh /mnt/shared/results {sys.prefix}",
        )
    )
    with pair(tmp_path, key, shared) as (head, _):
        yield Desk(tmp_path, head, shared)


def test_the_cluster_file_and_ray_submit_work_as_written(desk: Desk) -> None:
    config = str(desk.folder / "local.yaml")
    up = desk.ray("up", "-y", config)
    assert up.returncode == 0, up.stdout + up.stderr
    words = ("run", "search_spaces/smoke.yaml", "--set", "epochs=1")
    ran = desk.ray("submit", config, "cluster/submit.py", "--", *words)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    print(up.stdout, ran.stdout, ran.stderr)
    report = desk.shared / "results" / "smoke" / "report.md"
    assert report.is_file()
    down = desk.ray("down", "-y", config)
    assert down.returncode == 0, down.stdout + down.stderr
