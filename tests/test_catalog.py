from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import methods
from sweeper.backbones import towers
from sweeper.catalog import Installed, Supplied
from sweeper.errors import InputError
from sweeper.spec.catalog import Data, Weights
from sweeper.spec.trial import Protocol
from sweeper.tasks import catalog as tasks

from .tasks.sets.released import folders

HERE = Path()
INSTALLED = Installed()


def test_names_are_those_of_discovery_towers_and_tasks() -> None:
    assert {"tp", "lp", "iip", "pgn"} <= set(INSTALLED.methods())
    assert INSTALLED.backbones()[0] == "embedded"
    assert list(INSTALLED.tasks()) == tasks.names()


def test_method_shows_its_defaults_presets_and_schema() -> None:
    entry = INSTALLED.method("pgn", HERE)
    assert (entry.identity, entry.trains) == ("pgn", True)
    assert entry.defaults()["prompt_length"] == 8
    assert entry.presets()["paper"]["warmup_epochs"] == 50
    assert entry.schema()["properties"]["library_size"]["minimum"] == 1
    assert not INSTALLED.method("tp", HERE).trains


def test_presets_say_what_public_codes_do_to_images_and_select_on() -> None:
    tested = {"train_on": "train+val", "selection": "best_test"}
    expected: dict[str, dict[str, Any]] = {
        "pgn": tested | {"augmentation": "pgn_official"},
        "iip": tested | {"augmentation": "pgn_official"},
        "spt": tested,
        "vp": {"selection": "best_test"},
        "coop": {"augmentation": "coop"},
        "cocoop": {"augmentation": "coop"},
        "upt": {"augmentation": "coop"},
        "vpt": {},
        "gatevpt": {},
        "e2vpt": {},
    }
    named = {"augmentation", *Protocol.model_fields}
    for method in INSTALLED.methods():
        presets = INSTALLED.method(method, HERE).presets()
        official = presets.get("official", {}).items()
        assert {k: v for k, v in official if k in named} == expected.get(method, {}), method
        assert not named & presets.get("paper", {}).keys(), method


def test_mistakes_in_parameters_come_out_together() -> None:
    entry = INSTALLED.method("pgn", HERE)
    wrong: dict[str, Any] = {"prompt_length": 0, "trunk": "resnet50", "libary_size": 8}
    found = dict(entry.check(wrong))
    assert found.keys() == wrong.keys()
    assert "greater than or equal to 1" in found["prompt_length"]
    assert "'resnet18'" in found["trunk"]
    assert "Did you mean 'library_size'" in found["libary_size"]
    assert entry.check({"prompt_length": 4}) == []


def test_complete_fills_in_defaults_in_canonical_types() -> None:
    entry = INSTALLED.method("pgn", HERE)
    complete = entry.complete({"init_scale": 1, "prompt_length": 4})
    assert complete == {**entry.defaults(), "prompt_length": 4}
    assert isinstance(complete["init_scale"], float)


def test_users_file_is_known_by_its_source(tmp_path: Path) -> None:
    shutil.copy(Path(methods.__path__[0]) / "_template.py", tmp_path / "mine.py")
    assert INSTALLED.method("./mine.py", tmp_path).identity.startswith("mine@")


def test_backbone_is_known_by_its_weights() -> None:
    b32 = "openclip/ViT-B-32-quickgelu@openai"
    assert INSTALLED.backbone(b32, HERE) == Weights(b32, "openai")
    assert INSTALLED.backbone("embedded", HERE).identity == towers.describe("embedded").weights
    with pytest.raises(InputError, match="Did you mean 'embedded'"):
        INSTALLED.backbone("embeddedd", HERE)


def test_task_has_a_name_and_the_identity_of_its_data() -> None:
    info = tasks.describe("digits", HERE)
    assert INSTALLED.task("digits", HERE) == Data(info.name, info.data)
    with pytest.raises(InputError):
        INSTALLED.task("digit", HERE)


def test_task_that_is_not_at_hand_is_refused_with_the_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SWEEPER_DATA", str(tmp_path))
    reason = tasks.describe("cifar100", HERE).available
    assert reason
    with pytest.raises(InputError) as caught:
        INSTALLED.task("cifar100", HERE)
    assert reason in str(caught.value)


def test_skip_gives_the_reason_of_the_method_or_nothing() -> None:
    name = "openclip/ViT-B-32-quickgelu@openai"
    limit = towers.describe(name).max_prompts
    b32 = Weights(name, "openai")
    assert INSTALLED.skip("pgn", {"prompt_length": limit}, b32, Protocol(), HERE) == ""
    assert str(limit) in INSTALLED.skip("pgn", {"prompt_length": limit + 1}, b32, Protocol(), HERE)


def test_a_template_is_one_that_the_task_has_or_a_text(tmp_path: Path) -> None:
    INSTALLED.template("digits", "a {}.", HERE)
    with pytest.raises(InputError, match="template of task 'digits': 'coop'"):
        INSTALLED.template("digits", "coop", HERE)
    folders(tmp_path / "cloth", ["striped", "woven"], 5)
    INSTALLED.template("textures+./cloth", "", tmp_path)
    with pytest.raises(InputError, match="both have 'a striped'"):
        INSTALLED.template("textures+./cloth", "a {}", tmp_path)


def test_supplied_takes_public_data_and_named_weights_as_there_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEPER_DATA", str(tmp_path))
    supplied = Supplied()
    assert supplied.task("digits", HERE) == INSTALLED.task("digits", HERE)
    assert supplied.missing == {}
    assert supplied.task("cifar10", HERE).name == "cifar10"
    with pytest.raises(InputError):
        supplied.task("./nowhere", tmp_path)
    like = "timm/vit_base_patch16_224.mae"
    assert supplied.backbone(f"./gone.pth@{like}", tmp_path) == INSTALLED.backbone(like, HERE)
    with pytest.raises(InputError):
        supplied.backbone("./gone.pth", tmp_path)
    assert list(supplied.missing) == ["cifar10", "./gone.pth"]
