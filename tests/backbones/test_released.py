"""open_clip's releases: names, descriptions, and weights from a cache."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from huggingface_hub import constants
from open_clip import pretrained
from safetensors.torch import save_file

from sweeper.backbones import released
from sweeper.backbones.clip import ClipBackbone
from sweeper.backbones.open_clip_model import model_of
from sweeper.backbones.whole import WholeBackbone
from sweeper.errors import InputError
from tests.small_clip import CONFIG
from tests.small_networks import CLIPS

RN50 = {"embed_dim": 24, **CLIPS["modified resnet"]}
SIGLIP = CLIPS["siglip"]
HF = {**CONFIG, "text_cfg": {"hf_model_name": "someone/words", "hf_tokenizer_name": "someone/w"}}
MODELS = {"Tiny-plain": CONFIG, "Tiny-RN50": RN50, "Tiny-SigLIP": SIGLIP, "Tiny-words": HF}


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Small models among open_clip's own, released as 'test'; an empty cache of the hub."""
    known = dict(open_clip.factory._MODEL_CONFIGS)
    for name, config in MODELS.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(config))
        open_clip.add_model_config(tmp_path / f"{name}.json")
        tag = pretrained._pcfg(hf_hub=f"maker/{name}/")
        monkeypatch.setitem(pretrained._PRETRAINED, name, {"test": tag})
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    caches = (released.names, released.describe)
    for each in caches:
        each.cache_clear()
    yield tmp_path / "hub"
    open_clip.factory._MODEL_CONFIGS.clear()
    open_clip.factory._MODEL_CONFIGS.update(known)
    open_clip.factory._rescan_model_configs()
    for each in caches:
        each.cache_clear()


def model(name: str) -> Any:
    """The library's own model with random weights."""
    torch.manual_seed(0)
    return model_of(open_clip.get_model_config(name)).eval()


def put(hub: Path, name: str, state: dict[str, torch.Tensor]) -> None:
    folder = hub / f"models--maker--{name}" / "snapshots" / "main"
    folder.mkdir(parents=True)
    save_file(state, folder / "open_clip_model.safetensors")


@pytest.mark.parametrize(
    ("model", "kind"),
    [("Tiny-plain", ClipBackbone), ("Tiny-RN50", WholeBackbone), ("Tiny-SigLIP", WholeBackbone)],
)
def test_weights_in_the_hub_s_cache_are_found_and_loaded(
    tiny: Path, model: str, kind: type
) -> None:
    name = f"openclip/{model}@test"
    real = globals()["model"](model)
    assert released.weights_path(name) is None
    with pytest.raises(InputError) as caught:
        released.load(name)
    assert f"'open_clip_model.safetensors' of the repository 'maker/{model}'" in str(caught.value)
    put(tiny, model, real.state_dict())
    path = released.weights_path(name)
    assert path is not None
    assert path.name == "open_clip_model.safetensors"
    info = released.describe(name)
    backbone = released.backbone(released.load(name), info, name)
    assert type(backbone) is kind
    images = torch.randn(2, 3, info.preprocessing.size, info.preprocessing.size)
    found = backbone.encode_image(images)
    assert (found - real.encode_image(images)).abs().max().item() < 1e-4
    assert sum(v.numel() for v in real.visual.parameters()) == info.parameters


def test_a_tower_with_the_text_tower_of_another_library_comes_without_it(tiny: Path) -> None:
    name = "openclip/Tiny-words@test"
    real = open_clip.CLIP(**CONFIG).eval()
    state = {n: value for n, value in real.state_dict().items() if n.startswith("visual.")}
    put(tiny, "Tiny-words", {**state, "text.transformer.something": torch.ones(3)})
    info = released.describe(name)
    assert info.ways == {"input_tokens", "block_tokens", "weights"}
    backbone = released.backbone(released.load(name), info, name)
    images = torch.randn(2, 3, 32, 32)
    assert (backbone.encode_image(images) - real.encode_image(images)).abs().max().item() < 1e-4
    with pytest.raises(ValueError, match="no text tower"):
        backbone.classifier(["a"], "{}")


def test_a_state_is_converted_as_open_clip_s_own_loader_does(tiny: Path) -> None:
    del tiny
    real = model("Tiny-plain")
    state = {f"module.{n}": value.half() for n, value in real.state_dict().items()}
    state["module.logit_scale"] = state["module.logit_scale"].reshape(1)
    state["module.context_length"] = torch.tensor(40)  # as OpenAI's own files have it
    grid = torch.nn.functional.interpolate(
        real.visual.positional_embedding[1:].T.reshape(1, 48, 4, 4).detach(), size=(6, 6)
    )
    larger = torch.cat((real.visual.positional_embedding[:1], grid[0].flatten(1).T))
    state["module.visual.positional_embedding"] = larger
    found = released.load("openclip/Tiny-plain@test", state).state_dict()
    assert found["logit_scale"].shape == ()
    assert found["visual.positional_embedding"].shape == (17, 48)
    assert {value.dtype for value in found.values()} == {torch.float32}
    del state["module.ln_final.bias"]
    with pytest.raises(InputError, match=r"weights of openclip/Tiny-plain.*missing: ln_final\.b"):
        released.load("openclip/Tiny-plain@test", state)


def test_old_names_of_a_text_tower_are_moved_into_it(tiny: Path) -> None:
    del tiny
    real = model("Tiny-SigLIP")
    old = {n.removeprefix("text."): value for n, value in real.state_dict().items()}
    old["text_projection"] = old["text_projection.weight"]  # what tells the old names
    with pytest.raises(InputError, match=r"beside them: text\.text_projection;") as caught:
        released.load("openclip/Tiny-SigLIP@test", old)
    assert len(caught.value.problems) == 1


def test_a_model_trained_with_a_bias_takes_weights_without_one(tiny: Path) -> None:
    del tiny
    state = {n: v for n, v in model("Tiny-SigLIP").state_dict().items() if n != "logit_bias"}
    assert released.load("openclip/Tiny-SigLIP@test", state).logit_bias.item() == 0.0


def test_a_tokenizer_that_is_not_to_be_had_is_one_error(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tiny, "Tiny-plain", model("Tiny-plain").state_dict())
    name = "openclip/Tiny-plain@test"
    backbone = released.backbone(released.load(name), released.describe(name), name)

    def gone(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'transformers'")

    monkeypatch.setattr(open_clip, "get_tokenizer", gone)
    backbone.encode_image(torch.zeros(1, 3, 32, 32))
    with pytest.raises(InputError, match=r"its tokenizer is not to be had .*transformers"):
        backbone.classifier(["a"], "{}")


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("ViT-B-32-quickgelu@openai", (768, 12, 12, 32, 49, 512, 87_849_216)),
        ("ViT-B-16-quickgelu@openai", (768, 12, 12, 16, 196, 512, 86_192_640)),
        ("ViT-L-14-quickgelu@openai", (1024, 24, 16, 14, 256, 768, 303_966_208)),
        ("ViT-H-14@laion2b_s32b_b79k", (1280, 32, 16, 14, 256, 1024, 632_076_800)),
        ("ViT-L-14-CLIPA@datacomp1b", (1024, 24, 16, 14, 256, 768, 303_964_160)),
    ],
)
def test_vits_of_every_size_are_described_by_the_same_path(
    name: str, numbers: tuple[int, ...]
) -> None:
    info = released.describe(f"openclip/{name}")
    found = (info.width, info.depth, info.heads, info.patch, info.patches)
    assert (*found, info.embed_dim, info.parameters) == numbers
    assert {"input_tokens", "block_tokens", "weights", "text"} <= info.ways
    assert ("text_tokens" in info.ways) == ("CLIPA" not in name)
    assert info.pooling == ("mean" if "CLIPA" in name else "cls")


@pytest.mark.parametrize(
    ("name", "size", "embed_dim", "parameters", "ways"),
    [
        ("RN50-quickgelu@openai", 224, 1024, 38_316_896, {"text", "text_tokens"}),
        ("RN50x4-quickgelu@openai", 288, 640, 87_137_080, {"text", "text_tokens"}),
        ("ViT-B-16-SigLIP@webli", 224, 768, 92_884_224, {"text"}),
        ("coca_ViT-B-32@laion2b_s13b_b90k", 224, 512, 89_164_032, {"text"}),
        ("EVA02-B-16@merged2b_s8b_b131k", 224, 512, 86_263_040, {"text", "text_tokens"}),
    ],
)
def test_other_networks_are_described_as_taken_whole(
    name: str, size: int, embed_dim: int, parameters: int, ways: set[str]
) -> None:
    info = released.describe(f"openclip/{name}")
    assert (info.preprocessing.size, info.embed_dim, info.parameters) == (
        size,
        embed_dim,
        parameters,
    )
    assert info.ways == ways
    assert "taken whole" in info.description
    assert info.max_prompts == 0


def test_every_release_is_offered_or_refused_for_its_activation() -> None:
    offered = set(released.names())
    for model_name, tag in open_clip.list_pretrained():
        name = f"openclip/{model_name}@{tag}"
        if name not in offered:
            with pytest.raises(InputError, match=r"were trained with (QuickGELU|plain GELU)"):
                released.describe(name)
    assert len(offered) > 150


def test_every_release_lies_in_a_file_of_the_hub() -> None:
    for name in released.names():
        file = released._file(*released._split(name))
        assert file.repository.count("/") == 1, name
        assert all(each.endswith((".safetensors", ".bin", ".pt", ".pth")) for each in file.names)
        assert file.names[-1] in ("open_clip_pytorch_model.bin", Path(file.names[-1]).name)
