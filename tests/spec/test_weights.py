"""A file of weights as the backbone of a sweep: known by its content, free of paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.errors import InputError
from sweeper.spec.draw import trial_of
from sweeper.spec.load import load
from sweeper.spec.plan import Plan
from sweeper.spec.trial import Protocol, TrialSpec

from .sheet import BASE, complaints, plan, write
from .shelf import Shelf

FILE = BASE.replace("embedded", "./w.pth") + "seeds: [0]\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for place, content in (("", "0a"), ("one", "1b"), ("two", "2c")):
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / "w.pth").write_text(content)
    return tmp_path


def only(found: Plan) -> TrialSpec:
    (trial,) = found.trials()
    return trial


def test_a_trial_has_the_name_and_the_digest_and_the_plan_the_path(home: Path) -> None:
    found = plan(home, FILE)
    assert (only(found).backbone, only(found).weights) == ("w.pth", "weights-0a")
    assert found.sources == {"weights-0a": str(home / "w.pth")}
    assert found.cells[0].config["backbone"] == "w.pth"
    assert str(home) not in found.model_copy(update={"sources": {}}).model_dump_json()


def test_what_a_file_is_like_is_part_of_its_name(home: Path) -> None:
    like = "w.pth@timm/vit_base_patch16_224.mae"
    found = plan(home, FILE.replace("./w.pth", f"./{like}"))
    assert (only(found).backbone, only(found).weights) == (like, "weights-0a")
    assert found.sources == {"weights-0a": str(home / "w.pth")}
    assert only(found).id != only(plan(home, FILE)).id


def test_a_path_is_relative_to_the_sweep_file_and_in_set_to_the_current_directory(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(home / "one", FILE)
    assert load(path, Shelf()).sources == {"weights-1b": str(home / "one/w.pth")}
    monkeypatch.chdir(home / "two")
    given = load(path, Shelf(), settings={"backbone": "./w.pth"})
    assert given.sources == {"weights-2c": str(home / "two/w.pth")}


def test_files_of_one_name_and_other_content_are_two_backbones(home: Path) -> None:
    text = FILE + "over: {backbone: [./one/w.pth, {label: two, backbone: ./two/w.pth}]}\n"
    found = plan(home, text)
    assert [cell.over["backbone"] for cell in found.cells] == ["w.pth", "two"]
    assert [trial.weights for trial in found.trials()] == ["weights-1b", "weights-2c"]
    assert len({trial.id for trial in found.trials()}) == 2
    assert len(found.sources) == 2


def test_an_edited_file_makes_new_trials(home: Path) -> None:
    before = only(plan(home, FILE))
    (home / "w.pth").write_text("3d")
    after = only(plan(home, FILE))
    assert (after.backbone, after.weights) == (before.backbone, "weights-3d")
    assert after.id != before.id


def test_a_condition_names_the_file_as_the_sweep_does(home: Path) -> None:
    text = FILE + "over: {backbone: [./w.pth, embedded]}\nexclude: [{backbone: ./w.pth}]\n"
    assert [trial.backbone for trial in plan(home, text).trials()] == ["embedded"]


def test_a_missing_file_is_told_where_it_is_written(home: Path) -> None:
    (message,) = complaints(home, FILE.replace("w.pth", "v.pth"))
    assert message.startswith("sweep.yaml:3:13: backbone './v.pth': no such file")


def test_a_draw_stands_on_the_file_that_a_cell_would(home: Path) -> None:
    text = FILE + "parameters: {lr: {min: 0.1, max: 1.0}}\nsearch: {method: random}\n"
    found = plan(home, text)
    assert found.search is not None
    assert str(home) not in found.search.model_dump_json()
    asked: list[tuple[str, str]] = []

    class Asking(Shelf):
        def skip(self, method, params, backbone, protocol, folder):  # type: ignore[no-untyped-def]
            asked.append((backbone.name, backbone.source))
            return super().skip(method, params, backbone, protocol, folder)

    drawn = trial_of(found.search, {"lr": 0.5}, 0, Asking(), found.sources)
    assert drawn == only(plan(home, FILE, settings={"lr": "0.5"}))
    assert asked == [("w.pth", str(home / "w.pth"))]


POOLED = BASE + "protocol: {pooling: mean}\nseeds: [0]\n"


def test_a_word_that_the_backbone_cannot_have_is_a_mistake(home: Path) -> None:
    (message,) = complaints(home, POOLED.replace("embedded", "short"))
    assert message.startswith(
        "sweep.yaml:5:21: backbone 'short' cannot carry it: pooling: mean needs blocks"
    )
    crossed = plan(home, POOLED + "over: {backbone: [embedded, short]}\n")
    assert [cell.skip for cell in crossed.cells] == ["", "pooling: mean needs blocks"]
    text = POOLED + "parameters: {lr: {min: 0.1, max: 1.0}}\nsearch: {method: random}\n"
    search = plan(home, text).search
    assert search is not None
    short = search.model_copy(update={"base": {**search.base, "backbone": "short"}})
    with pytest.raises(InputError, match="draw: pooling: mean needs blocks"):
        trial_of(short, {"prompt_length": 4}, 0, Shelf())


WORDS = {
    "normalisation": "imagenet",
    "resize": "squash",
    "interpolation": "bilinear",
    "activation": "quick_gelu",
    "pooling": "patches",
    "final_norm": "none",
}


@pytest.mark.parametrize("name", WORDS)
def test_a_word_is_part_of_the_identity_only_where_it_says_something(home: Path, name: str) -> None:
    released = only(plan(home, BASE + "seeds: [0]\n"))
    said = only(plan(home, BASE + f"protocol: {{{name}: weights}}\nseeds: [0]\n"))
    other = only(plan(home, BASE + f"protocol: {{{name}: {WORDS[name]}}}\nseeds: [0]\n"))
    assert said.id == released.id
    assert name not in Protocol().model_dump_json()
    assert other.id != released.id
