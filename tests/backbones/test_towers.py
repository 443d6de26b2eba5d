from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sweeper.backbones import shipped, towers
from sweeper.errors import InputError

B32 = "openclip/ViT-B-32-quickgelu@openai"


def test_names_begin_with_the_shipped_ones_and_those_of_the_papers() -> None:
    names = towers.names()
    assert names[:8] == [
        "embedded",
        "embedded/first-3",
        "embedded/first-2",
        "embedded/first-1",
        "embedded/untrained",
        B32,
        "openclip/ViT-B-16-quickgelu@openai",
        "openclip/ViT-L-14-quickgelu@openai",
    ]
    assert len(names) == len(set(names))


def test_every_name_of_the_papers_can_be_described() -> None:
    assert set(towers.of_papers()) <= set(towers.names())
    for name in towers.of_papers():
        info = towers.describe(name)
        assert info.name == name
        if "input_tokens" in info.ways:
            assert info.width % info.heads == 0
            assert info.patches == (info.preprocessing.size // info.patch) ** 2
            assert info.max_prompts >= 128


def test_description_of_the_papers_tower_is_that_of_its_weights() -> None:
    info = towers.describe(B32)
    assert (info.width, info.depth, info.heads, info.patch, info.patches) == (768, 12, 12, 32, 49)
    assert (info.embed_dim, info.weights, info.parameters) == (512, "openai", 87_849_216)
    assert info.preprocessing.size == 224
    assert info.preprocessing.interpolation == "bicubic"
    assert info.preprocessing.resize == "crop"
    assert info.preprocessing.mean == (0.48145466, 0.4578275, 0.40821073)
    assert towers.describe("openclip/ViT-B-16-quickgelu@openai").parameters == 86_192_640


def test_a_timm_vit_is_described_from_its_own_tag() -> None:
    info = towers.describe("timm/vit_base_patch16_224.orig_in21k")
    assert (info.width, info.depth, info.heads, info.patch, info.patches) == (768, 12, 12, 16, 196)
    assert (info.parameters, info.weights, info.pooling) == (85_798_656, "orig_in21k", "cls")
    assert info.preprocessing.mean == info.preprocessing.std == (0.5, 0.5, 0.5)
    assert towers.describe("timm/vit_base_patch16_224.augreg_in21k").head_classes == 21_843
    mae = towers.describe("timm/vit_base_patch16_224.mae")
    assert (mae.pooling, mae.head_classes, "head" in mae.ways) == ("mean", 0, False)
    assert mae.preprocessing.mean == (0.485, 0.456, 0.406)
    assert towers.describe("timm/vit_small_patch16_224.dino").parameters == 21_665_664


def test_timm_names_that_are_none_get_the_nearest_right_one() -> None:
    with pytest.raises(InputError, match=r"Did you mean 'timm/vit_base_patch16_224\.mae'"):
        towers.describe("timm/vit_base_patch16_224.mea")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("openclip/ViT-B-32@openai", B32),
        (
            "openclip/ViT-B-32@laion400m_e32",
            "openclip/ViT-B-32-quickgelu@laion400m_e32",
        ),
        ("openclip/ViT-B-16@dfn2b", "openclip/ViT-B-16-quickgelu@dfn2b"),
        ("openclip/ViT-L-14@dfn2b", "openclip/ViT-L-14-quickgelu@dfn2b"),
        ("openclip/ViT-B-16@metaclip_400m", "openclip/ViT-B-16-quickgelu@metaclip_400m"),
    ],
)
def test_weights_that_need_quickgelu_are_refused_without_it(wrong: str, right: str) -> None:
    with pytest.raises(InputError, match="QuickGELU") as caught:
        towers.describe(wrong)
    assert right in str(caught.value)
    assert right in towers.names()
    assert wrong not in towers.names()


def test_unknown_names_get_the_nearest_right_one() -> None:
    with pytest.raises(InputError, match=f"Did you mean '{B32}'"):
        towers.describe("openclip/ViT-B-32-quickgelu@opnai")
    with pytest.raises(InputError, match="Did you mean 'embedded'"):
        towers.describe("embeded")


def test_missing_weights_offline_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError) as caught:
        towers.load(B32)
    assert B32 in str(caught.value)
    assert "vit_base_patch32_clip_224.openai" in str(caught.value)
    assert "HF_HOME" in str(caught.value)
    with pytest.raises(InputError, match="not to be had") as caught:
        towers.load("timm/vit_tiny_patch16_224.augreg_in21k")
    assert "HF_HOME" in str(caught.value)
    assert towers.weights_path(B32) is None
    assert towers.weights_path("timm/vit_tiny_patch16_224.augreg_in21k") is None


def test_what_is_on_disk_is_not_fetched_and_what_is_nowhere_is_named() -> None:
    assert towers.fetch("embedded") == shipped.FOLDER / "weights.safetensors"
    for name in (B32, "timm/vit_tiny_patch16_224.augreg_in21k"):
        with pytest.raises(InputError, match=f"backbone '{name}': its weights are not on disk"):
            towers.fetch(name)


def test_missing_embedded_weights_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text((shipped.FOLDER / "config.json").read_text())
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    shipped.describe.cache_clear()
    assert towers.weights_path("embedded") is None
    with pytest.raises(InputError, match=r"weights\.safetensors is not beside"):
        towers.load("embedded")


def test_embedded_tower_loads_and_its_description_fits() -> None:
    info, backbone = towers.describe("embedded"), towers.load("embedded")
    assert backbone.info == info
    assert towers.weights_path("embedded") == shipped.FOLDER / "weights.safetensors"
    tensors = backbone.tensors()
    image_tower = [t for name, t in tensors.items() if name.startswith("visual.")]
    assert sum(t.numel() for t in image_tower) == info.parameters
    assert {t.dtype for t in tensors.values()} == {torch.float32}
    size = info.preprocessing.size
    features = backbone.encode_image(torch.zeros(2, 3, size, size), torch.zeros(3, info.width))
    assert features.shape == (2, info.embed_dim)
    assert backbone.classifier(("a", "b", "c"), "{}").shape == (3, info.embed_dim)


def test_describing_the_embedded_tower_does_not_import_open_clip() -> None:
    script = (
        "import sys; from sweeper.backbones import towers; "
        "towers.describe('embedded'); assert 'open_clip' not in sys.modules"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
