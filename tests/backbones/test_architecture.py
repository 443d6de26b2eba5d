"""What a file of weights is taken for, and what is said where it does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from sweeper.backbones import released, towers
from sweeper.backbones.backbone import Backbone
from sweeper.backbones.setting import Setting
from sweeper.errors import InputError
from sweeper.spec.catalog import Weights
from tests.small_clip import CONFIG, small_model

from .tiny_file import tiny_file, tiny_model, tiny_state

DEFAULT = "timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k"
IN21K = "timm/vit_tiny_patch16_224.augreg_in21k"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    tiny_file(folder)
    tiny_file(folder, 0, "headless.safetensors")
    return folder


def loaded(home: Path, written: str, setting: Setting | None = None) -> Backbone:
    found = towers.find(written, home)
    return towers.load(found.name, setting=setting or Setting(), path=found.source)


def refusal(home: Path, written: str) -> str:
    with pytest.raises(InputError) as caught:
        towers.find(written, home)
    (problem,) = caught.value.problems
    return str(problem)


def images() -> Tensor:
    return torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def test_a_bare_file_is_the_plain_vit_of_its_shapes(home: Path) -> None:
    found = towers.find("./tiny.safetensors", home)
    assert found == Weights("tiny.safetensors", found.identity, str(home / "tiny.safetensors"))
    info = towers.describe(found.name, path=found.source)
    assert (info.name, info.weights) == ("tiny.safetensors", found.identity)
    assert (info.width, info.depth, info.heads, info.patches) == (192, 12, 3, 196)
    assert (info.head_classes, "head" in info.ways, info.pooling) == (10, True, "cls")
    assert info.preprocessing.mean == info.preprocessing.std == (0.5, 0.5, 0.5)
    assert DEFAULT in info.description
    assert f"taken for {DEFAULT}: 224 pixels" in info.note
    assert "mean [0.5, 0.5, 0.5]" in info.note
    assert info.setting == Setting()


def test_features_and_logits_are_those_of_timm_with_these_weights(home: Path) -> None:
    backbone, model = loaded(home, "./tiny.safetensors"), tiny_model()
    with torch.no_grad():
        features = backbone.encode_image(images())
        expected = model.forward_head(model.forward_features(images()), pre_logits=True)
        assert torch.allclose(features, expected, atol=1e-4)
        assert torch.allclose(backbone.head_logits(features), model(images()), atol=1e-4)
    assert not any(value.requires_grad for value in backbone.tensors().values())


def test_a_file_without_a_head_is_fine(home: Path) -> None:
    backbone = loaded(home, "./headless.safetensors")
    assert (backbone.info.head_classes, "head" in backbone.info.ways) == (0, False)
    with pytest.raises(ValueError, match="no head"):
        backbone.head_logits(torch.zeros(1, 192))


def test_what_it_is_like_decides_all_but_the_weights(home: Path) -> None:
    written = f"./tiny.safetensors@{IN21K}"
    found = towers.find(written, home)
    info = towers.describe(found.name, path=found.source)
    assert info.name == f"tiny.safetensors@{IN21K}"
    assert (info.head_classes, info.note) == (10, "")  # of the file; the tag has 21,843
    assert towers.describe(IN21K).head_classes == 21_843
    same = loaded(home, written).tensors(), loaded(home, "./tiny.safetensors").tensors()
    assert all(torch.equal(same[0][name], same[1][name]) for name in same[0])


def test_a_setting_goes_with_a_file_as_with_a_name(home: Path) -> None:
    setting = Setting(normalisation="imagenet", pooling="mean")
    info = loaded(home, "./tiny.safetensors", setting).info
    assert (info.pooling, info.preprocessing.mean) == ("mean", (0.485, 0.456, 0.406))
    assert info.setting == setting


def test_a_training_checkpoint_is_remapped(home: Path, tmp_path: Path) -> None:
    wrapped = {f"module.base_encoder.{n}": v for n, v in tiny_state(0).items()}
    wrapped["module.base_encoder.head.0.weight"] = torch.ones(2, 2)
    wrapped["module.momentum_encoder.cls_token"] = torch.ones(1)
    torch.save({"epoch": 300, "state_dict": wrapped}, tmp_path / "moco.pth.tar")
    found, own = loaded(tmp_path, "./moco.pth.tar"), loaded(home, "./headless.safetensors")
    with torch.no_grad():
        assert torch.equal(found.encode_image(images()), own.encode_image(images()))


def test_tensors_that_are_missing_or_too_many_are_one_error_with_five_names(
    tmp_path: Path,
) -> None:
    state = tiny_state()
    for number in range(4):
        del state[f"blocks.{number}.norm1.weight"]
    state["blocks.0.ls1.gamma"] = torch.ones(192)
    state["norm.bias"] = torch.ones(7)
    save_file(state, tmp_path / "odd.safetensors")
    message = refusal(tmp_path, "./odd.safetensors")
    assert message.startswith("backbone 'odd.safetensors': 'blocks.0.norm1.weight' is missing; ")
    assert message.count("is missing") == 4
    assert "'blocks.0.ls1.gamma' is not one of its tensors; and 1 more; expected exactly" in message
    assert "Say what it is, odd.safetensors@timm/<model>.<tag>" in message
    for number in range(4):
        state[f"blocks.{number}.norm1.weight"] = torch.ones(192)
    del state["blocks.0.ls1.gamma"]
    save_file(state, tmp_path / "shape.safetensors")
    assert "'norm.bias' is [7], not [192]; expected exactly the tensors of timm/vit_tiny" in (
        refusal(tmp_path, "./shape.safetensors")
    )


def test_a_file_that_is_not_what_it_is_said_to_be_is_refused(home: Path) -> None:
    message = refusal(home, "./tiny.safetensors@timm/vit_small_patch16_224.dino")
    assert "'cls_token' is [1, 1, 192], not [1, 1, 384]" in message
    message = refusal(home, "./tiny.safetensors@timm/vit_tiny_patch16_224.nothing")
    assert "there is none of that name" in message
    assert "no such file" in refusal(home, "./tiny.safetensors@tim/vit")
    assert "expected its path, such as ./tiny.safetensors" in refusal(home, "tiny.safetensors")


def test_what_is_no_vit_is_refused_with_what_is_in_it(tmp_path: Path) -> None:
    save_file({"conv1.weight": torch.ones(16, 3, 3, 3)}, tmp_path / "resnet.safetensors")
    message = refusal(tmp_path, "./resnet.safetensors")
    assert "its 1 tensors, 'conv1.weight' [16, 3, 3, 3], are not those of a plain ViT" in message
    assert "expected 'resnet.safetensors@timm/<model>.<tag>'" in message


def test_a_tower_of_a_clip_by_timm_s_names_has_to_say_its_activation(tmp_path: Path) -> None:
    state = tiny_state() | {"norm_pre.weight": torch.ones(192)}
    save_file(state, tmp_path / "w.safetensors")
    message = refusal(tmp_path, "./w.safetensors")
    assert "do not say their activation; expected 'w.safetensors@timm/<model>.<tag>'" in message


@pytest.fixture
def small_releases(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """open_clip with a small model beside its own, with and without QuickGELU."""
    for name, quick in (("tiny", False), ("tiny-quickgelu", True)):
        config: dict[str, Any] = {**CONFIG, "quick_gelu": True} if quick else CONFIG
        monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, name, config)
        tag = dict(open_clip.pretrained._PRETRAINED["ViT-B-32"]["openai"])
        monkeypatch.setitem(
            open_clip.pretrained._PRETRAINED, name, {"test": {**tag, "quick_gelu": quick}}
        )
    caches = (released.names, released.describe)
    for each in caches:
        getattr(each, "cache_clear", lambda: None)()
    yield
    for each in caches:
        getattr(each, "cache_clear", lambda: None)()


@pytest.mark.usefixtures("small_releases")
def test_a_clip_has_to_say_its_activation_and_those_that_fit_are_listed(tmp_path: Path) -> None:
    torch.save({"state_dict": small_model().state_dict()}, tmp_path / "clip.pt")
    message = refusal(tmp_path, "./clip.pt")
    assert "do not say their activation; expected 'clip.pt@openclip/<model>@<tag>'" in message
    assert message.endswith(
        "Of these its shapes fit: openclip/tiny-quickgelu@test, openclip/tiny@test."
    )


@pytest.mark.usefixtures("small_releases")
@pytest.mark.parametrize("name", ["tiny", "tiny-quickgelu"])
def test_a_clip_is_loaded_with_the_activation_that_is_said(tmp_path: Path, name: str) -> None:
    model = small_model({**CONFIG, "quick_gelu": name == "tiny-quickgelu"})
    torch.save(model.half().state_dict(), tmp_path / "clip.pt")
    backbone = loaded(tmp_path, f"./clip.pt@openclip/{name}@test")
    pictures = torch.randn(2, 3, 32, 32)
    model = model.float()
    with torch.no_grad():
        found, expected = backbone.encode_image(pictures), model.encode_image(pictures)
        assert torch.allclose(found, expected, atol=1e-4)
        texts = backbone.classifier(("a dog", "cat"), "{}")
        tokens = open_clip.tokenizer.tokenize(["a dog", "cat"], context_length=40)
        assert torch.allclose(texts, model.encode_text(tokens, normalize=True), atol=1e-4)
    activation = "quick_gelu" if name == "tiny-quickgelu" else "gelu"
    assert backbone.info.activation == activation
    assert all(not value.is_meta for value in backbone.tensors().values())
