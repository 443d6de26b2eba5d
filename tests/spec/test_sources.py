"""What a user's file is called, and what kind it is."""

from __future__ import annotations

import pytest

from sweeper.spec.sources import is_weights_path, kind_of, name_of, parted

MAE = "timm/vit_base_patch16_224.mae"
B32 = "openclip/ViT-B-32-quickgelu@openai"


@pytest.mark.parametrize(
    ("written", "path", "like", "name"),
    [
        ("./w.pth", "./w.pth", "", "w.pth"),
        ("/a/b/w.safetensors", "/a/b/w.safetensors", "", "w.safetensors"),
        ("sub/w.npz", "sub/w.npz", "", "w.npz"),
        ("~/w", "~/w", "", "w"),
        (f"../w.pth@{MAE}", "../w.pth", MAE, f"w.pth@{MAE}"),
        (f"./w@v2.pth@{B32}", "./w@v2.pth", B32, f"w@v2.pth@{B32}"),
        ("./w.pth@tim/x", "./w.pth@tim/x", "", "x"),
    ],
)
def test_a_path_is_told_from_what_it_is_like(written: str, path: str, like: str, name: str) -> None:
    assert is_weights_path(written)
    assert parted(written) == (path, like)
    assert name_of(written) == name


@pytest.mark.parametrize("name", ["embedded", MAE, B32, "opencip/ViT-B-32@openai", "w.pth"])
def test_names_are_no_paths(name: str) -> None:
    assert not is_weights_path(name)
    assert name_of(name) == name


def test_kinds_of_files_are_told_apart_by_their_identity() -> None:
    assert kind_of("mine@0123456789ab") == "method"
    assert kind_of("weights-0123456789abcdef") == "weights"
    assert kind_of("0123456789abcdef") == "data"
