"""Every method file, and the template, keeps every promise of the contract."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import methods
from sweeper import discovery
from sweeper.backbones.clip import ClipBackbone
from sweeper.conformance import CHECKS, keeps
from tests.small_vit import small_vit

FOLDER = Path(methods.__path__[0])
NAMES = [*discovery.names(), str(FOLDER / "_template.py")]
VIT = small_vit()
VISION_ONLY = [
    name
    for name in NAMES
    if discovery.find(name, FOLDER).skip(discovery.find(name, FOLDER).params(), VIT.info) is None
]
RAN: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def _nothing_passes_by_running_nothing(request: pytest.FixtureRequest) -> Iterator[None]:
    """The session fails if a selected method had no check that ran."""
    yield
    cases = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    selected = {params["name"] for params in cases if params.keys() == {"name", "check"}}
    idle = sorted(name for name in selected if not RAN[name])
    assert not idle, f"no conformance check ran for {idle}"


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", NAMES, ids=[Path(name).stem for name in NAMES])
def test_method_keeps_its_promise(name: str, check: str, backbone: ClipBackbone) -> None:
    plugin = discovery.find(name, FOLDER)
    RAN[name] += 1
    keeps(check, plugin, backbone)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", VISION_ONLY, ids=[Path(name).stem for name in VISION_ONLY])
def test_method_without_text_keeps_its_promise_on_a_timm_vit(name: str, check: str) -> None:
    keeps(check, discovery.find(name, FOLDER), VIT)


def test_the_suite_covers_every_file_in_methods() -> None:
    files = {file.stem for file in FOLDER.glob("*.py") if not file.stem.startswith("_")}
    assert {Path(name).stem for name in NAMES} == files | {"_template"}
    assert len(files) == 18
    without_text = {Path(name).stem for name in VISION_ONLY}
    assert without_text >= {
        "scratch",
        "adapter",
        "bitfit",
        "e2vpt",
        "ft",
        "gatevpt",
        "lora",
        "lp",
        "spt",
    }


@pytest.mark.slow
def test_methods_import_and_train_without_ray_optuna_and_mlflow() -> None:
    script = """
import sys
for name in ("ray", "optuna", "mlflow"):
    sys.modules[name] = None  # an import of it fails
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.small_clip import small_clip
from sweeper import discovery
from sweeper.conformance import CHECKS
backbone = small_clip()
for name in discovery.names():
    CHECKS["backbone_stays_as_it_is"](discovery.find(name, Path()), backbone)
    print(name)
"""
    root = str(Path(__file__).parents[2])
    ran = subprocess.run(
        [sys.executable, "-c", script, root], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == discovery.names()
