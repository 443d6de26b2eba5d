from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sweeper.analysis import picture
from sweeper.analysis.picture import ENDINGS, Line

VALUES = torch.linspace(0, 1, 12).view(4, 3)
UNIT = torch.nn.functional.normalize(torch.randn(8, 3, generator=torch.Generator().manual_seed(0)))


def draw(name: str, path: Path) -> None:
    labels = torch.arange(6) % 2
    match name:
        case "by_block":
            picture.by_block(path, {"a": [Line("b", VALUES[0], "#000000", "o")]}, [0, 1, 2])
        case "by_epoch":
            picture.by_epoch(path, [1, 5, 9, 20], {"a": VALUES, "b": VALUES}, [0, 1, 2])
        case "points":
            picture.points(path, {"one": VALUES[:, :2], "other": VALUES[:, 1:]})
        case "globe":
            picture.globe(path, UNIT[:6], labels, UNIT[6:], ["cat", "a photo of a very long name"])
        case "image_grid":
            image = (255 * VALUES).to(torch.uint8).expand(3, -1, -1)
            picture.image_grid(path, {"row": [(image, "title")]})


@pytest.mark.parametrize("name", ["by_block", "by_epoch", "points", "globe", "image_grid"])
def test_the_same_values_give_the_same_bytes_in_every_format(name: str, tmp_path: Path) -> None:
    for place in ("first", "second"):
        draw(name, tmp_path / place)
    starts = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    assert set(ENDINGS) == set(starts)
    for ending, start in starts.items():
        one, other = ((tmp_path / f"{x}.{ending}").read_bytes() for x in ("first", "second"))
        assert one.startswith(start)
        assert one == other


def test_a_text_that_is_too_long_is_known_by_its_end(tmp_path: Path) -> None:
    draw("globe", tmp_path / "globe")
    svg = (tmp_path / "globe.svg").read_text()
    assert "a photo of a very long name" not in svg
    assert len(picture._cut("a photo of a very long name")) == picture.LONGEST + 3
    assert picture._cut("cat") == "cat"
