"""`sweeper compare` as it is typed."""

import json

import pytest
from typer.testing import CliRunner

from sweeper.cli.app import app
from sweeper.errors import InputError
from sweeper.tracking.writer import Writer
from tests.tracking import made


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = made.blank_store(tmp_path_factory.mktemp("store"))
    with Writer(store, made.ablation()) as writer:
        for spec in made.ablation().trials():
            writer.trial_ended(spec, made.result(spec))
    return store.uri


def compare(*words):
    return CliRunner().invoke(app, ["compare", *words])


def test_a_sweep_beside_itself_has_the_same_trials(store):
    found = compare("ablation:demo", "ablation.yaml", "--store", store)
    assert found.exit_code == 0, found.output
    rows = [line.split("\t") for line in found.stdout.splitlines() if line.startswith("digits")]
    assert [row[4] for row in rows] == ["the same trials"] * 6


def test_json_holds_every_pair_with_its_numbers(store):
    found = compare("ablation", "ablation", "--store", store, "--json")
    pairs = json.loads(found.stdout)["pairs"]
    (four,) = [pair for pair in pairs if pair["cell"] == "digits, prompt_length 4"]
    assert four["first"]["mean"] == pytest.approx(0.54)
    assert four["change"]["mean"] == 0
    assert four["first"]["link"].startswith("http://127.0.0.1:5000/#/experiments/")


def test_it_is_written_where_it_is_asked_for(store, tmp_path):
    found = compare("ablation", "ablation", "--store", store, "--to", str(tmp_path / "out"))
    assert found.exit_code == 0, found.output
    assert "| the same trials |" in (tmp_path / "out" / "compare.md").read_text()
    assert "<table" in (tmp_path / "out" / "compare.html").read_text()


@pytest.mark.parametrize("wrong", ["", "a:b:c", "a@xyz", "a~", "@12"])
def test_a_side_that_cannot_be_read_is_named(store, wrong):
    found = compare("ablation", wrong, "--store", store)
    assert isinstance(found.exception, InputError)
    assert f"second sweep: '{wrong}'" in str(found.exception)
