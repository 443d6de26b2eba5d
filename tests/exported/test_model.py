"""An export gives back the model that was trained, or says why it does not."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import methods
from sweeper.backbones import towers
from sweeper.backbones.clip import ClipBackbone
from sweeper.backbones.setting import Setting
from sweeper.errors import InputError
from sweeper.exported import load
from sweeper.seeds import generator
from sweeper.train import trained
from tests.backbones.tiny_file import tiny_file
from tests.small_clip import small_clip

from . import made

TEMPLATE = Path(methods.__path__[0]) / "_template.py"
Change = Callable[[trained.Trained], trained.Trained]


def images() -> torch.Tensor:
    return torch.randn(4, 3, 32, 32, generator=generator(0, "images"))


def refusal(folder: Path, backbone: ClipBackbone, **asked: object) -> str:
    with pytest.raises(InputError) as caught:
        load(folder, backbone, **asked)  # type: ignore[arg-type]
    return str(caught.value)


def rewrite(folder: Path, change: Change) -> None:
    path = folder / "model.safetensors"
    trained.write(change(trained.read(path)), path)


@pytest.mark.parametrize("method", ["iip", "pgn"])
def test_logits_of_a_fresh_load_are_those_of_the_trained_module(
    tmp_path: Path, backbone: ClipBackbone, method: str
) -> None:
    module = made.export(tmp_path / "e", backbone, method)
    loaded = load(tmp_path / "e", small_clip())
    assert not loaded.training
    with torch.no_grad():
        assert torch.equal(loaded(images()), module(images()))
    ours, theirs = (dict(x.state_dict()) for x in (module, loaded))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_embedded_backbone_is_loaded_by_itself(tmp_path: Path) -> None:
    module = made.export(tmp_path / "e", towers.load("embedded"))
    inputs = torch.randn(2, 3, *[towers.describe("embedded").preprocessing.size] * 2)
    with torch.no_grad():
        assert torch.equal(load(tmp_path / "e")(inputs), module(inputs))


def test_another_backbone_is_refused_by_weights_name_and_preprocessing(
    tmp_path: Path, backbone: ClipBackbone
) -> None:
    made.export(tmp_path / "e", backbone)
    other = small_clip()
    other.info = dataclasses.replace(
        other.info,
        name="large",
        weights="others",
        preprocessing=dataclasses.replace(other.info.preprocessing, mean=(0.0, 0.0, 0.0)),
    )
    said = refusal(tmp_path / "e", other)
    assert "backbone, weights: 'others'; expected 'random' as trained" in said
    assert "backbone, name: 'large'; expected 'small' as trained" in said
    assert "backbone, preprocessing" in said


WRONG: dict[str, tuple[Change, str]] = {
    "missing": (
        lambda kept: dataclasses.replace(
            kept, state={k: v for k, v in kept.state.items() if k != "tl_vectors"}
        ),
        "no tensor 'tl_vectors'; expected float32 [4, 48]",
    ),
    "extra": (
        lambda kept: dataclasses.replace(kept, state={**kept.state, "more": torch.zeros(2)}),
        "tensor 'more'; expected none of that name",
    ),
    "shape": (
        lambda kept: dataclasses.replace(
            kept, state={**kept.state, "tl_vectors": torch.zeros(4, 47)}
        ),
        "tensor 'tl_vectors': float32 [4, 47], a trained parameter; expected float32 [4, 48]",
    ),
    "dtype": (
        lambda kept: dataclasses.replace(
            kept, state={**kept.state, "tl_vectors": kept.state["tl_vectors"].half()}
        ),
        "float16 [4, 48]",
    ),
    "trial": (lambda kept: dataclasses.replace(kept, trial_id="other"), "id: 'other'; expected"),
    "classes": (
        lambda kept: dataclasses.replace(kept, classes=("blue", "green", "red")),
        "classes: ('blue', 'green', 'red'); expected",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_tensors_that_are_not_the_described_ones_are_refused(
    tmp_path: Path, backbone: ClipBackbone, name: str
) -> None:
    change, expected = WRONG[name]
    made.export(tmp_path / "e", backbone, "pgn")
    rewrite(tmp_path / "e", change)
    assert expected in refusal(tmp_path / "e", backbone)


def test_all_mistakes_are_said_at_once(tmp_path: Path, backbone: ClipBackbone) -> None:
    made.export(tmp_path / "e", backbone, "pgn")
    rewrite(tmp_path / "e", WRONG["extra"][0])
    rewrite(tmp_path / "e", WRONG["missing"][0])
    other = small_clip()
    other.info = dataclasses.replace(other.info, weights="others")
    said = refusal(tmp_path / "e", other, method="./own.py")
    for part in ("'tl_vectors'", "'more'", "'others'", "own.py: there is no such file"):
        assert part in said


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "gone"])
def test_a_damaged_file_is_refused(tmp_path: Path, backbone: ClipBackbone, damage: str) -> None:
    made.export(tmp_path / "e", backbone)
    path = tmp_path / "e" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"flip": bytes(data), "cut": bytes(data[:-9]), "empty": b""}[damage])
    expected = "damaged" if damage == "flip" else "not a readable checkpoint"
    assert expected in refusal(tmp_path / "e", backbone)


def test_a_method_whose_tensors_have_changed_since_is_refused(
    tmp_path: Path, backbone: ClipBackbone
) -> None:
    made.export(tmp_path / "e", backbone)
    path = tmp_path / "e" / "description.json"
    path.write_text(path.read_text().replace('"prompt_length": 3', '"prompt_length": 5'))
    said = refusal(tmp_path / "e", backbone)
    assert "method 'iip' as installed, tensor 'prompts': float32 [5, 48]" in said


def test_settings_that_the_method_no_longer_takes_are_named(
    tmp_path: Path, backbone: ClipBackbone
) -> None:
    made.export(tmp_path / "e", backbone)
    path = tmp_path / "e" / "description.json"
    content = json.loads(path.read_text())
    content["params"] = {"prompt_length": 0, "old": 1}
    path.write_text(json.dumps(content))
    said = refusal(tmp_path / "e", backbone)
    assert "prompt_length" in said
    assert "old" in said


def test_a_users_method_runs_only_when_it_is_given_and_unchanged(
    tmp_path: Path, backbone: ClipBackbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Path(shutil.copy(TEMPLATE, tmp_path / "own.py"))
    with own.open("a") as file:
        file.write("\nimport os\nos.environ['OWN_METHOD_RAN'] = 'yes'\n")
    module = made.export(tmp_path / "e", backbone, str(own))
    monkeypatch.setenv("OWN_METHOD_RAN", "no")

    assert 'pass method="./method.py"' in refusal(tmp_path / "e", backbone)
    copy = tmp_path / "e" / "method.py"
    whole = copy.read_bytes()
    copy.write_bytes(whole + b"# edited\n")
    assert "method.py: it is own@" in refusal(tmp_path / "e", backbone, method="./method.py")
    assert __import__("os").environ["OWN_METHOD_RAN"] == "no"

    copy.write_bytes(whole)
    loaded = load(tmp_path / "e", backbone, method="./method.py")
    with torch.no_grad():
        assert torch.equal(loaded(images()), module(images()))


def test_a_model_on_a_file_of_weights_asks_for_it_and_takes_no_other(tmp_path: Path) -> None:
    path = tiny_file(tmp_path)
    found = towers.find("./tiny.safetensors", tmp_path)
    module = made.export(tmp_path / "e", towers.load(found.name, path=found.source), "lp")
    digest = found.identity.removeprefix("weights-")
    with pytest.raises(InputError) as caught:
        load(tmp_path / "e")
    assert "backbone 'tiny.safetensors': a user's file of weights, which" in str(caught.value)
    assert f"`backbone_path=` in the call: the file whose sha256 begins with {digest}" in str(
        caught.value
    )
    moved = path.rename(tmp_path / "moved.safetensors")
    inputs = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        assert torch.equal(load(tmp_path / "e", backbone_path=moved)(inputs), module(inputs))
    assert 'backbone_path="tiny.safetensors"' in (tmp_path / "e/README.md").read_text()
    tiny_file(tmp_path, classes=3)
    with pytest.raises(InputError, match=f"expected '{found.identity}' as trained"):
        load(tmp_path / "e", backbone_path=path)


def test_a_model_is_loaded_in_the_setting_of_its_trial(tmp_path: Path) -> None:
    setting = Setting(pooling="mean", normalisation="half", final_norm="fresh")
    module = made.export(tmp_path / "e", towers.load("embedded", setting=setting))
    inputs = torch.randn(2, 3, *[towers.describe("embedded").preprocessing.size] * 2)
    with torch.no_grad():
        assert torch.equal(load(tmp_path / "e")(inputs), module(inputs))
    message = refusal(tmp_path / "e", towers.load("embedded"))  # type: ignore[arg-type]
    assert "backbone, setting: 'Setting(normalisation='weights'" in message
