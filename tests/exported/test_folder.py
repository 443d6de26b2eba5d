"""What stands in an export, and over what it is written."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import sweeper.exported
from sweeper.backbones import towers
from sweeper.backbones.clip import ClipBackbone
from sweeper.errors import InputError
from sweeper.exported import describe, read_images
from sweeper.exported.card import EXAMPLE
from sweeper.exported.folder import check_folder
from sweeper.tasks.task import Split
from sweeper.train.inputs import prepare

from . import made


def test_the_description_says_what_the_trial_was(tmp_path: Path, backbone: ClipBackbone) -> None:
    made.export(tmp_path / "e", backbone, "pgn")
    found, spec = describe(tmp_path / "e"), made.spec(backbone, "pgn")
    for name, value in spec.model_dump().items():
        said = getattr(found, name)
        assert (said.model_dump() if hasattr(said, "model_dump") else said) == value
    assert (found.id, found.classes, found.template) == (spec.id, made.CLASSES, "a {} thing")
    assert found.preprocessing == backbone.info.preprocessing
    assert found.test is not None
    assert found.test.n == 1000
    assert found.provenance["commit"] == "c0ffee"
    assert "token library" in found.method_text
    statistic = found.tensors["model.input_net.1.running_mean"]
    assert (statistic.shape, statistic.dtype) == ((16,), "float32")
    assert statistic.meaning == "persistent buffer"
    assert found.tensors["tl_vectors"].meaning == "trained parameter"


def test_the_card_gives_scores_with_their_n_and_no_licence_that_nobody_knows(
    tmp_path: Path, backbone: ClipBackbone
) -> None:
    made.export(tmp_path / "e", backbone)
    text = (tmp_path / "e" / "README.md").read_text()
    assert "| test | 62.50 % | 0.2500 | 1000 |" in text
    assert "| val | 75.00 % | 0.5000 | 120 |" in text
    assert "| seed | 3 |" in text
    assert "| commit | c0ffee |" in text
    assert "red, green, blue" in text
    assert "licences of the backbone and of the training images are not recorded" in text


def test_the_example_of_the_card_runs_and_is_that_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made.export(tmp_path / "e", towers.load("embedded"))
    monkeypatch.chdir(tmp_path)
    for name in ("one.jpg", "two.jpg"):
        Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(name)
    text = (tmp_path / "e" / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(code.splitlines()) <= 10
    exec(code, {})
    said = capsys.readouterr().out
    assert sum(said.count(repr(name)) for name in made.CLASSES) == 2
    documented = (sweeper.exported.__doc__ or "").replace("    ", "")
    for line in EXAMPLE.splitlines():
        if "load(" not in line and "folder =" not in line:
            assert line.strip().partition("  #")[0] in documented


def test_images_are_read_as_training_reads_them(tmp_path: Path, backbone: ClipBackbone) -> None:
    class Same(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images

    seen = backbone.info.preprocessing
    pixels = np.random.default_rng(0).integers(0, 256, (seen.size, seen.size, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    split = Split(torch.from_numpy(pixels).permute(2, 0, 1)[None], torch.zeros(1).long())
    cpu = torch.device("cpu")
    inputs = prepare(Same(), split, preprocessing=seen, device=cpu, precision="fp32")
    assert torch.equal(read_images([tmp_path / "x.png"], seen), inputs.batch(slice(0, 1))[0])
    (tmp_path / "bad.png").write_bytes(b"none")
    with pytest.raises(InputError) as caught:
        read_images([tmp_path / "bad.png", tmp_path / "gone.png"], seen)
    assert len(caught.value.problems) == 2


def test_only_an_export_of_the_same_trial_is_written_over(
    tmp_path: Path, backbone: ClipBackbone
) -> None:
    made.export(tmp_path / "e", backbone)
    (tmp_path / "e" / "model.safetensors").unlink()
    (tmp_path / "e" / "notes.txt").write_text("mine")
    made.export(tmp_path / "e", backbone)  # an export that was cut short
    assert (tmp_path / "e" / "model.safetensors").is_file()
    assert (tmp_path / "e" / "notes.txt").read_text() == "mine"
    with pytest.raises(InputError, match="it holds an export of"):
        made.export(tmp_path / "e", backbone, "pgn")


def test_a_folder_of_other_files_and_a_file_are_refused(tmp_path: Path) -> None:
    check_folder(tmp_path, "id")
    (tmp_path / "mine").write_text("x")
    with pytest.raises(InputError, match="there are other files in it"):
        check_folder(tmp_path, "id")
    with pytest.raises(InputError, match="it is a file"):
        check_folder(tmp_path / "mine", "id")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "there is no such file"),
        ("{", "unreadable"),
        ("[]", "unreadable"),
        ('{"format": 99}', "format 99"),
        ('{"format": 1, "surprise": 0}', "surprise"),
    ],
)
def test_a_description_that_is_none_is_refused(
    tmp_path: Path, text: str | None, expected: str
) -> None:
    if text is not None:
        (tmp_path / "description.json").write_text(text)
    with pytest.raises(InputError, match=expected):
        describe(tmp_path)
