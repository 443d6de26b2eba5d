"""Both ways to submit a sweep, with cluster/local.yaml as it is shipped, on two machines with an
sshd each. Only what stands below `metadata` is changed, as its user would.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cluster.submit import CODE, digest
from tests.cluster.machine import Machine, generate_key, impossible, pair

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
CONFIG = "cluster/local.yaml"
METHOD = '''"""A linear probe on small images."""

import torch
from torch import nn

from sweeper.method import MethodParams, generator

SPACE, PRESETS, REQUIRES = {}, {}, frozenset()


class Params(MethodParams):
    pass


def skip(params, backbone):
    return None


class Method(nn.Module):
    def __init__(self, *, backbone, classes, template, params, seed):
        super().__init__()
        draw = generator(seed, "head")
        self.head = nn.Parameter(torch.randn(len(classes), 3 * 64, generator=draw) / 20)

    def forward(self, images):
        return nn.functional.adaptive_avg_pool2d(images, 8).flatten(1) @ self.head.T
'''
SWEEP = """
name: shipped
base: {method: ./mine.py, backbone: embedded, task: digits, epochs: 1, lr: 0.01, batch_size: 200}
ablate: {method: {values: [{label: mine, method: ./mine.py}, {label: named, method: shipped_only}]}}
seeds: [0]
report: {min_seeds: 1, tables: [{id: T, title: Methods, axis: method}]}
"""


@dataclass
class Desk:
    """Where a user sits: a clone with its cluster file edited, a token, two machines in reach."""

    home: Path
    token: str
    head: Machine
    worker: Machine
    results: Path
    said: list[str] = field(default_factory=list)

    @property
    def project(self) -> Path:
        """The user's clone."""
        return self.home / "project"

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command in the clone, with this environment first in PATH."""
        ran = self.head.inside(
            "env",
            f"--chdir={self.project}",
            *words,
            HOME=str(self.home),
            TMPDIR=str(self.home),
            RAY_TMPDIR=str(self.home),
            PATH=f"{BIN}:{os.environ['PATH']}",
            RAY_USAGE_STATS_ENABLED="0",
            RAY_AUTH_MODE="token",  # for `ray job submit`, which would send none else
        )
        self.said.append(ran.stdout + ran.stderr)
        return ran

    def submit(self, *words: str) -> subprocess.CompletedProcess[str]:
        """As README says."""
        return self.run("ray", "submit", CONFIG, "cluster/submit.py", "--", *words)


def edited(text: str, **values: str) -> str:
    """A cluster file with what a user changes: the values below `metadata`, by their names."""
    for name, value in values.items():
        text, count = re.subn(rf"^(  {name}: &{name} ).*$", rf"\g<1>{value}", text, flags=re.M)
        assert count == 1, name
    return text


def _clone(home: Path) -> None:
    """What a clone has, and what must stay on the desk."""
    project = home / "project"
    for name in CODE:
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("requirements.lock", "pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, project / name)
    for secret in ("results/kept.txt", ".venv/lib.py", "cluster/mlflow/.env", "notes.env"):
        (project / secret).parent.mkdir(parents=True, exist_ok=True)
        (project / secret).write_text("stays on the desk")
    (project / CONFIG).write_text(
        edited(
            (ROOT / CONFIG).read_text(),
            head="10.77.0.1",
            workers="[10.77.0.2]",
            key=str(home / "key"),
            # the environment that runs this test, instead of a new one
            setup=f"bash ~/sweeper/cluster/setup.sh /mnt/shared/results {BIN.parent}",
        )
    )


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """After `ray up`; `ray down` comes at the end."""
    if reason := impossible():
        pytest.skip(reason)
    home = tmp_path_factory.mktemp("desk")
    shared, token = home / "shared", secrets.token_hex(32)
    shared.mkdir()
    (home / ".ray").mkdir()
    (home / ".ray" / "auth_token").write_text(token)
    generate_key(home / "key")
    _clone(home)
    with pair(home, home / "key", shared) as (head, worker):
        found = Desk(home, token, head, worker, shared / "results")
        up = found.run("ray", "up", "-y", CONFIG)
        assert up.returncode == 0, up.stdout + up.stderr
        end = time.monotonic() + 180
        while not worker.runs("raylet"):
            assert time.monotonic() < end, "the worker did not join"
            time.sleep(1)
        yield found
        down = found.run("ray", "down", "-y", CONFIG)
        assert down.returncode == 0, down.stdout + down.stderr
        assert not head.runs("raylet")


def test_ray_submit_runs_the_mounted_code_and_leaves_its_report_in_the_shared_folder(
    desk: Desk,
) -> None:
    ran = desk.submit("run", "search_spaces/smoke.yaml", "--set", "epochs=1")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"code {digest(desk.project)}, results in /mnt/shared/results" in ran.stdout
    assert (desk.results / "smoke" / "report.md").is_file()
    assert "sweeper ended with exit code 0" in ran.stdout


def test_an_edited_sweep_comes_with_rsync_up_and_a_mistake_is_no_success(desk: Desk) -> None:
    before = digest(desk.project)
    smoke = (desk.project / "search_spaces" / "smoke.yaml").read_text()
    (desk.project / "search_spaces" / "edited.yaml").write_text(smoke.replace("tp", "tpp"))
    brought = desk.run("ray", "rsync-up", CONFIG)
    assert brought.returncode == 0, brought.stdout + brought.stderr
    refused = desk.submit("plan", "search_spaces/edited.yaml")
    assert refused.returncode == 1  # Ray's word for any failure
    assert "sweeper ended with exit code 2" in refused.stdout
    assert digest(desk.project) != before
    assert f"code {digest(desk.project)}," in refused.stdout


def test_ray_job_submit_ships_the_code_that_runs_and_a_users_own_method(desk: Desk) -> None:
    (desk.project / "mine.py").write_text(METHOD)
    (desk.project / "methods" / "shipped_only.py").write_text(METHOD)
    (desk.project / "shipped.yaml").write_text(SWEEP)
    ran = desk.run(
        "ray", "job", "submit", "--address", "http://127.0.0.1:8265", "--working-dir", ".",
        "--", "sweeper", "run", "shipped.yaml",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    report = (desk.results / "shipped" / "report.md").read_text()
    assert "mine" in report
    assert "named" in report


def test_what_is_not_named_stays_on_the_desk_and_the_token_is_nowhere(desk: Desk) -> None:
    mounted = {path.name for path in (desk.head.home / "sweeper").rglob("*") if path.is_file()}
    assert "local.yaml" in mounted
    assert not mounted & {"kept.txt", "lib.py", ".env", "notes.env", "mine.py"}
    kept = desk.head.home / ".ray" / "auth_token"
    assert (kept.read_text(), kept.parent.stat().st_mode & 0o777) == (desk.token, 0o700)
    logs = [Path(f"/proc/{each.pid}/root/tmp/ray") for each in (desk.head, desk.worker)]
    files = [path for folder in (*logs, desk.results) for path in folder.rglob("*")]
    searched = [path for path in files if path.is_file() and not path.is_symlink()]
    assert any(path.name.startswith("job-driver") for path in searched)
    assert not [path for path in searched if desk.token.encode() in path.read_bytes()]
    assert not [text for text in desk.said if desk.token in text]
