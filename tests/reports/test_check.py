"""`sweeper report`, and `--check`: does a published report still say what the store holds?"""

import json
import shutil

import pytest
from typer.testing import CliRunner

from reports.build import report_files
from reports.check import check
from reports.query import load
from reports.source import SOURCE
from sweeper.cli.app import app
from sweeper.cli.history import EXIT_DIFFERS
from sweeper.errors import InputError, StoreError
from tests.reports.conftest import the_plan


@pytest.fixture(scope="module")
def files(store):
    return report_files(load(store.uri, "ablation"))


@pytest.fixture
def published(folder, files, tmp_path, monkeypatch):
    """A copy of the report to spoil. What the store would have is drawn once for all of them."""
    monkeypatch.setattr("reports.check.report_files", lambda _: files)
    return shutil.copytree(folder, tmp_path / "published")


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def command(*words):
    return CliRunner().invoke(app, ["report", *map(str, words)])


def test_a_report_that_was_not_touched_is_as_the_store_has_it(store, folder):
    found = command("--check", folder, "--store", store.uri)
    assert (found.exit_code, found.stdout) == (0, "")


def test_cells_that_moved_are_told_with_what_stood_there(store, published):
    edit(published / "tables" / "table_T3a.csv", "58.0 ± 2.5 (3)", "59.0 ± 2.5 (3)")
    edit(published / "tables" / "table_T3a.csv", "4096,", "2048,")
    assert check(published, store.uri) == [
        "tables/table_T3a.csv: 8, digits: 59.0 ± 2.5 (3) -> 58.0 ± 2.5 (3)",
        "tables/table_T3a.csv: 2048: the row is gone",
        "tables/table_T3a.csv: 4096: the row is new",
    ]


def test_what_differs_is_missing_or_left_over_is_named(store, published):
    edit(published / "report.md", "# ablation", "# abration")
    (published / "curve_length.png").write_bytes(b"other")
    (published / "tables" / "table_T1.tex").unlink()
    (published / "curve_gone.svg").write_bytes(b"old")
    assert check(published, store.uri) == [
        "curve_length.png: differs",
        "report.md: differs from line 1 on: '# abration, profile demo' -> "
        "'# ablation, profile demo'",
        "tables/table_T1.tex: missing",
        "curve_gone.svg: left over; the report has no such file",
    ]


def test_other_columns_are_told_once(store, published):
    edit(published / "tables" / "table_T1.csv", "digits", "letters")
    (line,) = check(published, store.uri)
    assert line.startswith("tables/table_T1.csv: the columns are others: ['method', 'letters'")


def test_other_code_is_told_only_where_something_differs(store, published):
    source = json.loads((published / SOURCE).read_text())
    source["written_by"]["matplotlib"] = "1.0"
    (published / SOURCE).write_text(json.dumps(source))
    assert check(published, store.uri) == []
    (published / "curve_length.svg").write_bytes(b"other")
    first, last = check(published, store.uri)
    assert first == "curve_length.svg: differs"
    assert "which may be why: matplotlib 1.0 -> " in last


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "holds no source.json: no report, or one of an older layout"),
        ('{"layout": 1}', "not as a report of layout 2 writes it (layout"),
        ("no JSON", "not as a report of layout 2 writes it (JSON)"),
    ],
)
def test_a_report_of_another_layout_is_one_clear_error(store, published, content, message):
    (published / SOURCE).unlink()
    if content is not None:
        (published / SOURCE).write_text(content)
    with pytest.raises(InputError) as error:
        check(published, store.uri)
    (problem,) = error.value.problems
    assert message in str(problem)
    assert "sweeper report" in problem.hint


def test_a_folder_that_is_not_there_is_bad_input(store, tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        check(tmp_path / "none", store.uri)


def test_a_plan_that_the_store_does_not_hold_is_named(store, published):
    edit(published / SOURCE, the_plan().digest, "0" * 16)
    with pytest.raises(StoreError, match="no launch of 'ablation' @0000000000000000"):
        check(published, store.uri)


def test_a_failed_check_has_an_exit_code_of_its_own(store, published):
    (published / "report.html").unlink()
    found = command("--check", published, "--store", store.uri)
    assert found.exit_code == EXIT_DIFFERS == 5
    assert found.stdout == "report.html: missing\n"
    found = command("--check", published, "--store", store.uri, "--json")
    assert json.loads(found.stdout)["differences"] == ["report.html: missing"]


def test_the_command_writes_every_file_and_prints_where(store, folder, tmp_path):
    old = tmp_path / "ablation" / "demo" / "curve_gone.svg"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"old")
    found = command("ablation", "--store", store.uri, "--results", tmp_path)
    assert found.exit_code == 0
    printed = set(found.stdout.splitlines())
    there = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert printed == {str(old.parent / name) for name in there}
    assert "left over from an earlier report" in " ".join(found.stderr.split())
    assert old.read_bytes() == b"old"


@pytest.mark.parametrize("words", [[], ["ablation", "--check", "x"], ["--check", "x", "-p", "y"]])
def test_a_sweep_or_a_folder_is_asked_for_and_not_both(words):
    found = command(*words)
    assert isinstance(found.exception, InputError)
    assert found.exit_code == 1
