"""Released PGN weights are read strictly, and nothing in a file is run."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sweeper.backbones.clip import ClipBackbone
from sweeper.discovery import find
from sweeper.errors import InputError
from sweeper.exported import describe, load, release
from sweeper.exported.folder import write
from sweeper.exported.release import of_release, read_release
from sweeper.seeds import generator
from sweeper.train.state import load_state, state_of
from tests.small_clip import CONFIG, small_clip

from .made import CLASSES, TASK

State = dict[str, Any]


def filled(prompts: int, size: int, width: int) -> dict[str, Tensor]:
    """Random tensors of a release's layout."""
    draw = generator(0, "release", prompts, size, width)
    return {
        name: torch.rand(shape, generator=draw).to(dtype)
        for name, (shape, dtype) in release.layout(prompts, size, width).items()
    }


@pytest.fixture(scope="module")
def wide() -> ClipBackbone:
    """As wide as ViT-B, and otherwise small."""
    vision = {"image_size": 32, "patch_size": 32, "width": 768, "layers": 1}
    return small_clip({**CONFIG, "vision_cfg": vision})


@pytest.mark.parametrize(
    ("sizes", "parameters"),
    [((16, 256, 768), 1_032_304), ((16, 128, 768), 669_808), ((16, 128, 384), 620_656)],
)
def test_settings_come_from_shapes_and_the_counts_are_those_of_the_released_files(
    tmp_path: Path, sizes: tuple[int, int, int], parameters: int
) -> None:
    torch.save(filled(*sizes), tmp_path / "x.pt")
    params, state = read_release(tmp_path / "x.pt")
    assert (params["prompt_length"], params["library_size"]) == sizes[:2]
    assert params["stem"] == "conv3"
    assert params["resolution"] == 224
    assert len(state) == 63
    trained = [v for k, v in state.items() if not k.endswith(release.STATISTICS)]
    assert sum(v.numel() for v in trained) == parameters
    assert sum(v.numel() for v in state.values()) - parameters == 1_001


def test_the_tensors_are_exactly_those_of_the_method(tmp_path: Path, wide: ClipBackbone) -> None:
    torch.save(filled(16, 256, 768), tmp_path / "x.pt")
    params, state = read_release(tmp_path / "x.pt")
    plugin = find("pgn", Path())
    module = plugin.module(
        backbone=wide, classes=CLASSES, template="a {}", params=plugin.params(**params), seed=0
    )
    load_state(module, state)
    own = state_of(module)
    assert own.keys() == state.keys()
    assert all(torch.equal(own[k], state[k]) and own[k].dtype == state[k].dtype for k in own)


def test_a_converted_file_loads_as_an_export(tmp_path: Path, backbone: ClipBackbone) -> None:
    path = tmp_path / "pgn_clip_x.pt"
    torch.save(filled(2, 8, 48), path)
    description, trained = of_release(path, TASK, backbone.info)
    write(tmp_path / "e", description, trained)
    model = load(tmp_path / "e", backbone)
    assert torch.equal(model.get_parameter("tl_vectors"), trained.state["tl_vectors"])
    with torch.no_grad():
        assert model(torch.rand(2, 3, 32, 32)).shape == (2, 3)
    assert describe(tmp_path / "e").notes == ()
    card = (tmp_path / "e" / "README.md").read_text()
    assert "pgn_clip_x.pt" in card
    assert "None is recorded" in card


class Code:
    """Unpickled, it would write a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.mark),)


def test_code_in_a_file_is_refused_and_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    torch.save({**filled(2, 8, 48), "more": Code(mark)}, tmp_path / "zip.pt")
    torch.save({"x": Code(mark)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    (tmp_path / "pickle.pt").write_bytes(pickle.dumps(Code(mark)))
    for name in ("zip.pt", "old.pt", "pickle.pt"):
        with pytest.raises(InputError, match="cannot be read as tensors alone"):
            read_release(tmp_path / name)
    assert not mark.exists()


FILES: dict[str, bytes] = {
    "text": b"not weights\n",
    "empty": b"",
    "zip of nothing": b"PK\x05\x06" + bytes(18),
    "cut pickle": pickle.dumps({"a": list(range(100))})[:40],
    "stack underflow": b"\x80\x02.",
    "unknown memo": b"\x80\x02h\x07.",
    "global": b"\x80\x02cos\nsystem\nq\x00.",
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_kind_is_refused_with_one_message(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(FILES[name])
    with pytest.raises(InputError, match=r"released file .*x\.pt: .*expected the 63 tensors"):
        read_release(path)


def test_a_file_cut_anywhere_or_absent_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save(filled(1, 2, 4), path)
    data = path.read_bytes()
    for length in range(1, len(data), len(data) // 23):
        path.write_bytes(data[:length])
        with pytest.raises(InputError):
            read_release(path)
    path.unlink()
    with pytest.raises(InputError, match="there is no such file"):
        read_release(path)


WRONG: dict[str, tuple[Callable[[State], Any], list[str]]] = {
    "missing and unexpected": (
        lambda state: {("head.weight" if k == "tl_vectors" else k): v for k, v in state.items()},
        ["'tl_vectors' is missing", "'head.weight' is unexpected"],
    ),
    "type": (
        lambda state: {**state, "tl_vectors": state["tl_vectors"].half()},
        ["'tl_vectors' is torch.float16 [8, 48], not torch.float32 [8, 48]"],
    ),
    "stem": (
        lambda state: {**state, "model.input_net.0.weight": torch.zeros(16, 3, 7, 7)},
        ["[16, 3, 7, 7], not torch.float32 [16, 3, 3, 3]"],
    ),
    "rows": (
        lambda state: {**state, "model.output_net.2.weight": torch.zeros(17, 128)},
        ["'model.output_net.2.weight' is torch.float32 [17, 128]"],
    ),
    "no matrix": (
        lambda state: {**state, "tl_vectors": torch.zeros(3)},
        ["'tl_vectors' is torch.float32 [3], not"],
    ),
    "no tensor": (lambda state: {**state, "tl_vectors": 3}, ["'tl_vectors' is a int"]),
    "empty": (
        lambda state: {**state, "tl_vectors": torch.zeros(0, 48)},
        ["'tl_vectors' is torch.float32 [0, 48], not"],
    ),
    "sparse": (
        lambda state: {**state, "tl_vectors": state["tl_vectors"].to_sparse()},
        ["'tl_vectors' is not a plain tensor"],
    ),
    "meta": (
        lambda state: {**state, "tl_vectors": state["tl_vectors"].to("meta")},
        ["'tl_vectors' is not a plain tensor"],
    ),
    "list": (lambda state: list(state.values()), ["it holds a list, not named tensors"]),
    "nothing": (lambda state: {}, ["'tl_vectors' is missing", "and 57 more"]),  # noqa: ARG005
}


@pytest.mark.parametrize("name", WRONG)
def test_other_tensors_are_refused_by_name(tmp_path: Path, name: str) -> None:
    change, expected = WRONG[name]
    torch.save(change(filled(2, 8, 48)), tmp_path / "x.pt")
    with pytest.raises(InputError) as caught:
        read_release(tmp_path / "x.pt")
    (problem,) = caught.value.problems
    for part in expected:
        assert part in str(problem)


def test_a_library_of_another_width_says_which_backbone_it_wants(
    tmp_path: Path, backbone: ClipBackbone
) -> None:
    torch.save(filled(16, 128, 384), tmp_path / "x.pt")
    with pytest.raises(InputError, match=r"384 wide; expected .* 48\. .*DINO ViT-S/16"):
        of_release(tmp_path / "x.pt", TASK, backbone.info)


@pytest.mark.parametrize(
    ("name", "other"), [("pgn_clip_eurosat.pt", "RESISC45"), ("pgn_clip_resisc45.pt", "EuroSAT")]
)
def test_the_two_files_that_seem_swapped_are_doubted_by_name(
    tmp_path: Path, backbone: ClipBackbone, name: str, other: str
) -> None:
    torch.save(filled(2, 8, 48), tmp_path / name)
    (note,) = of_release(tmp_path / name, TASK, backbone.info)[0].notes
    assert f"weights for {other}" in note
    assert "--task" in note
    assert "\n" not in note


def test_a_library_of_the_supervised_vit_is_doubted_on_a_clip(
    tmp_path: Path, wide: ClipBackbone
) -> None:
    torch.save(filled(16, 128, 768), tmp_path / "x.pt")
    (note,) = of_release(tmp_path / "x.pt", TASK, wide.info)[0].notes
    assert "supervised ViT-B" in note
