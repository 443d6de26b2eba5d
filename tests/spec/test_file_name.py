"""Names in a sweep file, and in a plan from a store, lead out of no folder."""

from pathlib import Path

import pytest

from sweeper.cli.results import report_folder
from sweeper.errors import InputError
from sweeper.spec.file_name import TAKEN, misfit
from tests.spec.sheet import BASE, complaints, plan
from tests.tracking.made import ablation

ASTRAY = ["../x", "/tmp/x", "a/b", "..", ".hidden", "-x", "a\\b", "ä", "x" * 101, "", "a b", "x\n"]


@pytest.mark.parametrize("name", ASTRAY)
def test_sweeps_profiles_and_tables(tmp_path: Path, name: str) -> None:
    written = f'"{name}"'.replace("\n", "\\n").replace("\\b", "\\\\b")
    for text in (
        f"name: {written}\n",
        f"profiles: {{{written}: {{seeds: 2}}}}\n",
        "ablate: {prompt_length: [1, 2]}\nreport: {tables: "
        f"[{{id: {written}, title: t, axis: prompt_length}}]}}\n",
    ):
        (found,) = complaints(tmp_path, BASE + text)
        assert "it names files" in found
    assert misfit(name)


@pytest.mark.parametrize("name", [*TAKEN, "Default", "mlflow.DB"])
def test_what_lies_in_the_results_folder_is_taken(tmp_path: Path, name: str) -> None:
    (found,) = complaints(tmp_path, f"{BASE}name: {name}\n")
    assert "which are taken" in found


def test_names_that_can_name_files_do(tmp_path: Path) -> None:
    for name in ("CON", "x" * 100, "_a", "a..b", "pgn_ablation-2.1"):
        assert plan(tmp_path, f"{BASE}name: {name}\n").sweep == name


@pytest.mark.parametrize("name", ASTRAY[:5])
def test_the_plan_of_a_store_writes_no_report_elsewhere(tmp_path: Path, name: str) -> None:
    good = ablation()
    for change in ({"sweep": name}, {"profile": name}):
        with pytest.raises(InputError, match="it names files"):
            report_folder(tmp_path, good.model_copy(update=change))
    assert report_folder(tmp_path, good) == tmp_path / "ablation" / "demo"
