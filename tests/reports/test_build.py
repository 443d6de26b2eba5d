"""The folder of a report, built from a store that the real writer wrote."""

import shutil

import pytest

from reports import query
from reports.build import build, left_over, report_files, write
from reports.document import file_name
from sweeper.errors import StoreError
from tests.reports.conftest import the_plan

TABLES = ("table_T1", "table_T1_changes", "table_T3a", "table_T3a_changes", "curve_length")


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_report_is_written_in_every_format(folder):
    whole = {"report.md", "report.html", "report.json", "cells.csv", "trials.csv", "source.json"}
    figures = {f"curve_length.{kind}" for kind in ("svg", "pdf", "png")}
    tables = {f"tables/{name}.{kind}" for name in TABLES for kind in ("tex", "csv")}
    assert names(folder) >= whole | figures | tables
    assert all((folder / name).stat().st_size for name in names(folder))


def test_the_same_store_gives_the_same_bytes_wherever_it_stands(store, folder, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(store.artifacts.parent, moved)
    again = build(f"sqlite:///{moved / 'mlflow.db'}", "ablation", tmp_path / "again").parent
    assert names(again) == names(folder)
    for name in names(folder):
        assert (again / name).read_bytes() == (folder / name).read_bytes(), name


def test_another_profile_is_not_found_and_the_nearest_is_named(store, tmp_path):
    with pytest.raises(StoreError, match=r"under profile 'dmeo'. Did you mean 'demo'"):
        build(store.uri, "ablation", tmp_path / "none", profile="dmeo")
    assert not (tmp_path / "none").exists()


def test_the_latest_plan_is_the_one_that_was_launched(store):
    assert query.latest_plan(store.uri, "ablation") == the_plan()


def test_the_launch_of_a_plan_is_found_by_its_digest(store):
    digest = the_plan().digest
    assert query.load(store.uri, "ablation", "demo", digest).plan.digest == digest
    with pytest.raises(StoreError, match=f"@0000. There are @{digest[:8]}"):
        query.load(store.uri, "ablation", "demo", "0000")


def test_what_an_earlier_report_left_is_named_and_left_alone(store, tmp_path):
    files = report_files(query.load(store.uri, "ablation"))
    own = {"tables/table_gone.tex": b"old", "curve_gone.svg": b"old", "notes.txt": b"mine"}
    write({**files, **own}, tmp_path)
    write(files, tmp_path)
    assert left_over(files, tmp_path) == ["curve_gone.svg", "tables/table_gone.tex"]
    assert (tmp_path / "curve_gone.svg").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("text", "name"),
    [("T3a", "T3a"), ("../../etc/x", "etc_x"), ("a b|c%", "a_b_c"), ("", "_"), ("..", "_")],
)
def test_a_name_of_a_file_stays_in_its_folder(text, name):
    assert file_name(text) == name
