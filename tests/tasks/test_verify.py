"""Every image is looked at, and the broken ones are named."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from sweeper.tasks import verify as module
from sweeper.tasks.files import listing
from sweeper.tasks.listing import Listing
from sweeper.tasks.verify import NAMED, verify


def found(root: Path, **splits: list[str]) -> Listing:
    rows = {split: [(name, 0) for name in names] for split, names in splits.items()}
    return listing(root, ["x", "y"], rows, "official")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        Image.new("RGB", (30, 30), (9, 8, 7)).save(tmp_path / f"{name}.png")
    return tmp_path


def test_images_that_are_absent_or_cut_short_are_named(root: Path) -> None:
    (root / "b.png").write_bytes((root / "b.png").read_bytes()[:60])
    verdict = verify(found(root, train=["a.png", "b.png"], test=["c.png", "d.png"]), set())
    assert (verdict.images, verdict.broken) == (4, 2)
    cut, absent = map(str, verdict.problems)
    assert cut.startswith(str(root / "b.png"))
    assert "unreadable" in cut
    assert absent.startswith(f"{root / 'd.png'}: no such file")


def test_all_are_counted_but_only_the_first_are_named(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AHEAD", 7)  # in several portions
    verdict = verify(found(root, train=["a.png"] * 3, val=[f"{n}.png" for n in range(40)]), set())
    assert (verdict.images, verdict.broken) == (43, 40)
    assert len(verdict.problems) == NAMED
    assert [problem.where for problem in verdict.problems] == [
        str(root / f"{n}.png") for n in range(NAMED)
    ]


def test_an_image_of_several_data_sets_is_decoded_once(root: Path) -> None:
    whole: set[str] = set()
    first = verify(found(root, train=["a.png", "x.png"]), whole)
    assert whole == {str(root / "a.png")}
    (root / "a.png").write_bytes(b"")  # would be found, if it were read again
    second = verify(found(root, train=["a.png", "b.png", "x.png"]), whole)
    assert (first.broken, second.broken) == (1, 1)
    assert verify(found(root, train=["a.png"]), set()).broken == 1
