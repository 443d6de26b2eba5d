"""`sweeper backbones`: what is listed of each network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from tests.cli.conftest import Said

Command = Callable[..., Said]


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache of the hub."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def listed(command: Command, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(command("backbones", *arguments, "--json").out)[
        "backbones"
    ]
    return found


def test_without_a_name_those_of_the_papers_are_listed_and_how_to_list_the_others(
    command: Command,
) -> None:
    said = command("backbones")
    names = [line.split("\t")[0] for line in said.out.splitlines()]
    assert names[0] == "backbone"
    assert {"embedded", "openclip/ViT-B-32-quickgelu@openai"} <= set(names)
    assert {"timm/vit_base_patch16_224.mae", "timm/resnet50.tv_in1k"} <= set(names)
    assert "more of open_clip and timm" in said.err
    assert "'timm/vit_base*'" in said.err
    assert json.loads(command("backbones", "--json").out)["more"] > 500


def test_a_pattern_lists_what_it_matches(command: Command) -> None:
    found = [each["name"] for each in listed(command, "openclip/RN50*@openai")]
    assert found
    assert all(name.startswith("openclip/RN50") for name in found)


def test_a_pattern_that_matches_nothing_is_a_mistake(command: Command) -> None:
    said = command("backbones", "timn/*")
    assert said.code == 2
    assert "'timn/*' matches none" in said.err


def test_one_name_shows_all_that_is_known(command: Command) -> None:
    said = command("backbones", "timm/resnetv2_50x1_bit.goog_in21k")
    shown = dict(line.split("\t") for line in said.out.splitlines())
    assert shown["parameters"] == "23,500,352"
    assert shown["preprocessing"] == "half, crop, bilinear"
    assert shown["licence"] == "apache-2.0"
    assert shown["ways in"] == "pixels, head"
    assert shown["depth"] == shown["patches"] == ""
    assert shown["on disk"] == "no"


def test_open_clip_states_no_licence_and_clip_has_its_own_mean(command: Command) -> None:
    said = command("backbones", "openclip/ViT-B-32-quickgelu@openai")
    shown = dict(line.split("\t") for line in said.out.splitlines())
    assert shown["licence"] == "as its release says"
    assert shown["preprocessing"] == "clip, crop, bicubic"
    assert shown["patches"] == "49 of 32 px"


def test_weights_in_the_cache_are_on_disk(command: Command, hub: Path) -> None:
    name = "timm/test_vit.r160_in1k"
    assert listed(command, name)[0]["path"] is None
    folder = hub / "models--timm--test_vit.r160_in1k" / "snapshots" / "main"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    assert listed(command, name)[0]["path"] == str(folder / "model.safetensors")
    assert (
        dict(line.split("\t") for line in command("backbones", name).out.splitlines())["on disk"]
        == "yes"
    )


def test_means_without_a_name_are_shown_as_numbers(command: Command) -> None:
    said = command("backbones", "embedded")
    assert "mean 0.5 0.5 0.5 std 0.25 0.25 0.25, crop, bicubic" in said.out
