"""What there is, what of it is on disk, and whether that is whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sweeper.tasks.sets import data_sets
from tests.cli.conftest import Said
from tests.tasks.sets.made import picture, tiny

Command = Callable[..., Said]


@pytest.fixture
def shelf(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with one public set, `vtab_eurosat` of ten training images."""
    root = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("SWEEPER_DATA", str(root))
    declared = tiny("vtab_eurosat", 10, **{"vtab-1k lists": (10, 2, 2)})
    monkeypatch.setitem(data_sets(), "vtab_eurosat", declared)
    home = root / "vtab-1k" / "eurosat"
    for name, count in (("train800", 10), ("val200", 2), ("test", 2)):
        rows = [(f"images/{name}/{n}.png", n) for n in range(count)]
        for file, label in rows:
            picture(home / file, label)
        (home / f"{name}.txt").write_text("".join(f"{file} {label}\n" for file, label in rows))
    return root


def one(said: Said, name: str) -> dict[str, Any]:
    return next(task for task in json.loads(said.out)["tasks"] if task["name"] == name)


def test_tasks_lists_five_or_more_embedded_tasks_with_their_sizes(command: Command) -> None:
    listed = json.loads(command("tasks", "--json").out)["tasks"]
    ready = [task for task in listed if task["state"] == "drawn"]
    assert len(ready) >= 5
    assert all(task["sizes"][split] > 0 for task in ready for split in ("train", "val", "test"))
    assert all(task["available"] for task in ready)


def test_every_public_set_is_listed_with_what_is_declared_of_it(
    command: Command, shelf: Path
) -> None:
    rows = {line.split("\t")[0]: line for line in command("tasks").out.splitlines()}
    assert set(data_sets()) <= set(rows)
    assert rows["vtab_eurosat"].split("\t")[1:8] == [
        "10", "10 / 2 / 2", "This is a photo of a {}", "top-1", "vtab-1k lists", "MIT", "on disk",
    ]  # fmt: skip
    iwildcam = rows["iwildcam"].split("\t")
    assert iwildcam[1:3] == ["182", "129,809 / 14,961 / 42,791"]
    assert "macro F1" in iwildcam
    assert f"{shelf / 'iwildcam_v2.0'} is missing" in iwildcam


def test_one_task_in_detail_says_how_to_get_what_is_missing(command: Command, shelf: Path) -> None:
    said = command("tasks", "fgvc_cub", "vtab_eurosat")
    assert said.code == 0
    assert f"how to get it\t{shelf / 'CUB_200_2011'} is missing: CUB_200_2011.tgz" in said.out
    assert "declared, vpt json\t5,394 / 600 / 5,794" in said.out
    assert "10: Annual Crop Land, Forest" in said.out
    assert "template: coop\ta centered satellite photo of {}." in said.out


def test_check_of_what_is_whole_is_silent_about_what_is_absent(
    command: Command, shelf: Path
) -> None:
    said = command("tasks", "check")
    assert said.code == 0
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in said.out.splitlines()}
    assert rows["vtab_eurosat"] == ["on disk", "10", "10 / 2 / 2", "vtab-1k lists", "0"]
    assert rows["fgvc_cub"][0] == "missing"
    assert "digits" not in rows, "drawn tasks have nothing on disk"
    assert "error" not in said.err
    assert str(shelf) not in said.out


def test_check_names_broken_and_absent_images(command: Command, shelf: Path) -> None:
    images = shelf / "vtab-1k" / "eurosat" / "images"
    (images / "train800" / "3.png").unlink()
    (images / "test" / "1.png").write_bytes(b"\x89PNG")
    said = command("tasks", "check", "vtab_eurosat")
    assert said.code == 2
    assert "vtab_eurosat\tdamaged\t10\t10 / 2 / 2\tvtab-1k lists\t2" in said.out
    assert f"{images / 'train800' / '3.png'}: no such file" in said.err
    assert f"{images / 'test' / '1.png'}: an unreadable image" in said.err
    found = one(command("tasks", "check", "--json"), "vtab_eurosat")
    assert (found["state"], found["broken"], len(found["problems"])) == ("damaged", 2, 2)


def test_check_names_at_most_twenty_of_a_task(command: Command, shelf: Path) -> None:
    home = shelf / "vtab-1k" / "eurosat"
    (home / "val200.txt").write_text("".join(f"images/{n}.png 1\n" for n in range(30)))
    data_sets()["vtab_eurosat"].sizes["vtab-1k lists"]["val"] = 30  # type: ignore[index]
    problems = one(command("tasks", "check", "--json"), "vtab_eurosat")["problems"]
    assert len(problems) == 21
    assert problems[-1] == "task 'vtab_eurosat': 10 more"


def test_check_says_which_count_is_wrong(command: Command, shelf: Path) -> None:
    path = shelf / "vtab-1k" / "eurosat" / "val200.txt"
    path.write_text(path.read_text() * 2)
    for words in (["tasks", "check"], ["tasks", "vtab_eurosat"]):
        said = command(*words)
        assert said.code == 2
        assert "4 images in val (vtab-1k lists); expected 2" in said.err


def test_an_absent_set_is_an_error_where_it_is_named(command: Command, shelf: Path) -> None:
    said = command("tasks", "check", "fgvc_cub")
    assert said.code == 2
    assert f"error: task 'fgvc_cub': {shelf / 'CUB_200_2011'} is missing" in said.err


def test_a_folder_is_shown_and_checked_by_its_path(command: Command, tmp_path: Path) -> None:
    for kind in ("cat", "dog"):
        for number in range(5):
            picture(tmp_path / "pets" / kind / f"{number}.png", number)
    assert "2: cat, dog" in command("tasks", "./pets").out
    said = command("tasks", "check", "./pets", "digits")
    assert said.code == 0
    assert [line.split("\t")[1] for line in said.out.splitlines()] == ["state", "on disk", "drawn"]
    Image.new("L", (4, 4)).save(tmp_path / "whole.png")
    (tmp_path / "pets" / "dog" / "4.png").write_bytes((tmp_path / "whole.png").read_bytes()[:40])
    said = command("tasks", "check", "./pets")
    assert said.code == 2
    assert "dog/4.png" in said.err


def test_the_parts_of_a_joint_task_are_checked_each(command: Command, shelf: Path) -> None:
    said = command("tasks", "check", "digits+vtab_eurosat")
    assert said.code == 0
    assert [line.split("\t")[0] for line in said.out.splitlines()[1:]] == ["digits", "vtab_eurosat"]
    assert shelf.is_dir()


def test_all_unknown_names_are_said_at_once(command: Command) -> None:
    for words in (["tasks", "digit", "fgvc_cup"], ["tasks", "check", "digit", "fgvc_cup"]):
        said = command(*words)
        assert said.code == 2
        assert "Did you mean 'digits'" in said.err
        assert "Did you mean 'fgvc_cub'" in said.err
        assert said.out == ""
