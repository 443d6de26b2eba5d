"""What an undisturbed run on this machine alone says, once for all tests of clusters."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.world import ORDERS, sweep_file

from .machines import command, token, trapped


@pytest.fixture(scope="package")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `sweeper run` on this machine, with traps beside the sweep file."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "orders").mkdir()
    sweep_file(folder, epochs=3)
    sprung = trapped(folder)
    environment = token(folder) | {ORDERS: str(folder / "orders")}
    ran = command("run", "chaos.yaml", folder=folder, environment=environment)
    assert ran.returncode == 0, ran.stderr
    assert not sprung.exists(), f"imported from the working directory: {sprung.read_text()}"
    return folder
