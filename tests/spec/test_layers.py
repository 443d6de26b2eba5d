"""`extends`, profiles and `--set`: what wins, and where a mistake is said to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.errors import InputError
from sweeper.spec.load import load

from .sheet import BASE, complaints, plan, write
from .shelf import Shelf

PROFILES = (
    BASE
    + """
  epochs: 20
profiles:
  demo:
    base: {epochs: 2}
  paper:
    base: {lr: -1}
    seeds: [0]
"""
)


def _config(found: object) -> dict[str, object]:
    return dict(found.cells[0].config)  # type: ignore[attr-defined]


def test_demo_is_the_default_profile_where_it_exists(tmp_path: Path) -> None:
    found = plan(tmp_path, PROFILES)
    assert (found.profile, _config(found)["epochs"]) == ("demo", 2)
    bare = plan(tmp_path, BASE)
    assert (bare.profile, _config(bare)["epochs"]) == ("", 100)


def test_a_mistake_in_a_profile_is_placed_in_the_profile(tmp_path: Path) -> None:
    assert complaints(tmp_path, PROFILES, profile="paper") == [
        "sweep.yaml:11:16: lr: -1; expected greater than 0"
    ]


def test_an_unknown_profile_names_the_nearest(tmp_path: Path) -> None:
    assert complaints(tmp_path, PROFILES, profile="papr") == [
        "sweep.yaml: unknown profile 'papr'; expected a profile of this sweep. "
        "Did you mean 'paper'?"
    ]
    assert complaints(tmp_path, BASE, profile="demo") == [
        "sweep.yaml: unknown profile 'demo'; expected no profile: this sweep has none"
    ]


def test_profiles_that_are_not_chosen_are_checked_for_sections(tmp_path: Path) -> None:
    text = PROFILES + "  other: {sead: [1]}\n  last: 3\n"
    assert complaints(tmp_path, text) == [
        "sweep.yaml:13:11: unknown section 'sead'; expected a section of a profile. "
        "Did you mean 'seeds'?",
        "sweep.yaml:14:9: a profile: 3; expected a mapping of sections",
    ]


def test_null_in_a_profile_unsets(tmp_path: Path) -> None:
    text = BASE + "  epochs: 20\nablate: {prompt_length: [1, 4]}\n"
    text += "profiles: {demo: {base: {epochs: null}, ablate: {prompt_length: null}}}\n"
    found = plan(tmp_path, text)
    assert (len(found.cells), _config(found)["epochs"]) == (1, 100)


def test_null_unsets_a_whole_section(tmp_path: Path) -> None:
    text = BASE + "parameters: {lr: [0.1, 0.2]}\nsearch: {num_trials: 3}\n"
    found = plan(tmp_path, text + "profiles: {demo: {search: null}}\n")
    assert (found.search, len(found.cells)) == (None, 2)


def test_extends_lays_this_file_over_the_other(tmp_path: Path) -> None:
    write(tmp_path, "name: lower\n" + BASE.lstrip() + "  epochs: 20\n  lr: 0.5\n", "low.yaml")
    found = plan(tmp_path, "extends: low.yaml\nbase: {epochs: 5}\n")
    assert (_config(found)["epochs"], _config(found)["lr"]) == (5, 0.5)
    assert found.sweep == "sweep"  # not 'lower': two sweeps never share a name by accident


def test_a_mistake_in_an_extended_file_is_placed_there(tmp_path: Path) -> None:
    write(tmp_path, BASE.lstrip() + "  prompt_lenght: 4\n", "low.yaml")
    assert complaints(tmp_path, "extends: low.yaml\nbase: {epochs: x}\n") == [
        "low.yaml:5:3: unknown setting 'prompt_lenght'; expected a setting of method 'pgn', "
        "of the recipe or of the protocol. Did you mean 'prompt_length'?",
        "sweep.yaml:2:16: epochs: 'x'; expected a valid integer",
    ]


def test_extends_that_leads_nowhere_or_round_is_refused(tmp_path: Path) -> None:
    write(tmp_path, BASE, "lower.yaml")
    assert complaints(tmp_path, "extends: lowr.yaml" + BASE) == [
        "sweep.yaml:1:10: there is no file 'lowr.yaml'; expected the path of a sweep file. "
        "Did you mean 'lower.yaml'?"
    ]
    write(tmp_path, "extends: sweep.yaml" + BASE, "lower.yaml")
    assert complaints(tmp_path, "extends: lower.yaml" + BASE) == [
        "lower.yaml:1:10: 'sweep.yaml' extends itself; expected a file further down"
    ]


def test_set_wins_over_everything_and_is_read_as_yaml(tmp_path: Path) -> None:
    found = plan(tmp_path, PROFILES, settings={"epochs": "7", "lr": "1e-3", "seeds": "[4]"})
    assert (_config(found)["epochs"], _config(found)["lr"]) == (7, 0.001)
    assert found.seeds == (4,)
    text = PROFILES + "protocol: {selection: best_val}\n"
    last = plan(tmp_path, text, settings={"selection": "last"})
    assert _config(last)["selection"] == "last"


def test_set_with_a_dot_addresses_a_section(tmp_path: Path) -> None:
    text = BASE + "parameters: {lr: {min: 0.1, max: 1.0}}\nsearch: {num_trials: 30}\n"
    found = plan(tmp_path, text, settings={"search.num_trials": "4", "base.epochs": "3"})
    assert found.search is not None
    assert (found.search.num_trials, found.search.base["epochs"]) == (4, 3)


def test_set_pins_what_would_vary(tmp_path: Path) -> None:
    text = BASE + "over: {task: [digits, shapes]}\nparameters: {lr: [0.1, 0.2]}\n"
    found = plan(tmp_path, text, settings={"task": "textures", "lr": "0.3"})
    assert [(cell.over, cell.config["lr"]) for cell in found.cells] == [({"task": "textures"}, 0.3)]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("prompt_lenght", "4", "--set prompt_lenght=4: unknown setting 'prompt_lenght'"),
        ("epochs", "many", "--set epochs=many: epochs: 'many'; expected a valid integer"),
        ("serch.num_trials", "4", "--set serch.num_trials=4: unknown section 'serch'"),
        ("epochs", "[1", "--set epochs=[1:1:3: not YAML"),
        ("epochs", "[1]", "--set epochs=[1]: epochs: a list; expected a single value"),
        ("base.", "1", "--set base.=1: 'base.' names nothing"),
    ],
)
def test_a_mistake_in_set_is_placed_there(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    found = complaints(tmp_path, BASE, settings={name: text})
    assert len(found) == 1
    assert found[0].startswith(message)


def test_paths_in_set_are_relative_to_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("here", "sweeps", "sweeps/beside"):
        (tmp_path / place).mkdir()
    (tmp_path / "here/images").mkdir()
    path = write(tmp_path / "sweeps", BASE + "over: {task: [digits, ./beside]}\n")
    monkeypatch.chdir(tmp_path / "here")
    beside = load(path, Shelf())
    assert beside.sources == {"beside@0123": str(tmp_path / "sweeps/beside")}
    assert [cell.over["task"] for cell in beside.cells] == ["digits", "beside"]
    given = load(path, Shelf(), settings={"task": "./images"})
    assert given.sources == {"images@0123": str(tmp_path / "here/images")}
    with pytest.raises(InputError, match=r"task './beside': no such folder"):
        load(path, Shelf(), settings={"task": "./beside"})


def test_a_path_is_relative_to_the_file_that_says_it(tmp_path: Path) -> None:
    (tmp_path / "low/images").mkdir(parents=True)
    write(tmp_path / "low", BASE.replace("digits", "./images"), "low.yaml")
    assert plan(tmp_path, "extends: low/low.yaml\n").sources == {
        "images@0123": str(tmp_path / "low/images")
    }
    assert complaints(tmp_path, "extends: low/low.yaml\nablate: {task: [./images]}\n") == [
        "sweep.yaml:2:17: task './images': no such folder; expected a folder of images"
    ]
