"""VTAB-1k, from the lists of its common export."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.errors import InputError
from sweeper.tasks.dataset import Missing
from sweeper.tasks.deal import shuffled
from sweeper.tasks.sets import data_sets, vtab

from .made import grey, labels_by_file, picture, tiny


def write(path: Path, rows: list[tuple[str, int]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{file} {label}\n" for file, label in rows))


@pytest.fixture
def eurosat(tmp_path: Path) -> Path:
    home = tmp_path / "vtab-1k" / "eurosat"
    train = [(f"images/train800/{n}.png", n % 10) for n in range(12)]
    val = [(f"images/val200/a {n}.png", 9) for n in range(3)]
    test = [(f"images/test/{n}.png", n) for n in range(5)]
    for name, rows in (("train800", train), ("val200", val), ("test", test)):
        write(home / f"{name}.txt", rows)
        for number, (file, _) in enumerate(rows):
            picture(home / file, 10 * number)
    return tmp_path


def test_the_export_s_lists_are_read(eurosat: Path) -> None:
    found = tiny("vtab_eurosat", 10, **{"vtab-1k lists": (12, 3, 5)}).listing(eurosat)
    assert found.rule == "vtab-1k lists"
    assert found.classes[1] == "Forest"
    assert labels_by_file(found)["val"] == [(f"val200/a {n}.png", 9) for n in range(3)]
    assert found.splits["test"].labels == [0, 1, 2, 3, 4]
    assert grey(found, "test", 4) == 40


@pytest.mark.parametrize("name", ["train800val200.txt", "train.txt"])
def test_a_longer_list_gives_a_thousand_by_the_hash_of_their_names(
    eurosat: Path, name: str
) -> None:
    home = eurosat / "vtab-1k" / "eurosat"
    (home / "train800.txt").unlink()
    (home / "val200.txt").unlink()
    rows = [(f"images/{n}.png", n % 10) for n in range(1200)]
    write(home / name, rows)
    found = tiny("vtab_eurosat", 10, generated=(800, 200, 5)).listing(eurosat)
    assert found.rule == "generated"
    given = labels_by_file(found)
    taken = given["train"] + given["val"]
    assert len(set(taken)) == 1000
    assert taken == [(file, dict(rows)[file]) for file in shuffled([*dict(rows)])[:1000]]
    write(home / name, rows[::-1])
    again = tiny("vtab_eurosat", 10, generated=(800, 200, 5)).listing(eurosat)
    assert labels_by_file(again) == given
    write(home / name, rows[:999])
    with pytest.raises(InputError, match=r"999 images; expected at least 1000"):
        data_sets()["vtab_eurosat"].listing(eurosat)


def test_half_of_the_lists_is_an_error(eurosat: Path) -> None:
    (eurosat / "vtab-1k" / "eurosat" / "val200.txt").unlink()
    with pytest.raises(Missing, match="go together"):
        data_sets()["vtab_eurosat"].listing(eurosat)


def test_a_label_without_a_class_and_a_line_without_a_label_are_named(eurosat: Path) -> None:
    home = eurosat / "vtab-1k" / "eurosat"
    write(home / "val200.txt", [("images/x.png", 10)])
    with pytest.raises(InputError, match=r"x\.png: label 10; expected 0 to 9, for 10 classes"):
        data_sets()["vtab_eurosat"].listing(eurosat)
    (home / "test.txt").write_text("images/x.png\n")
    with pytest.raises(InputError, match=r"test\.txt: unreadable content"):
        data_sets()["vtab_eurosat"].listing(eurosat)


def test_nineteen_tasks_with_the_classes_and_test_images_of_the_paper() -> None:
    declared = {
        each.name.removeprefix("vtab_"): (each.classes, each.sizes[vtab.LISTS]["test"])
        for each in vtab.SETS
    }
    assert declared == {
        "caltech101": (102, 6_084), "cifar100": (100, 10_000), "dtd": (47, 1_880),
        "flowers102": (102, 6_149), "pets": (37, 3_669), "svhn": (10, 26_032),
        "sun397": (397, 21_750), "patch_camelyon": (2, 32_768), "eurosat": (10, 5_400),
        "resisc45": (45, 6_300), "retinopathy": (5, 42_670), "clevr_count": (8, 15_000),
        "clevr_distance": (6, 15_000), "dmlab": (6, 22_735), "kitti_distance": (4, 711),
        "dsprites_location": (16, 73_728), "dsprites_orientation": (16, 73_728),
        "smallnorb_azimuth": (18, 12_150), "smallnorb_elevation": (9, 12_150),
    }  # fmt: skip


def test_the_folders_are_those_of_the_common_export(tmp_path: Path) -> None:
    folders = []
    for each in vtab.SETS:
        with pytest.raises(Missing) as caught:
            each.listing(tmp_path)
        folders.append(Path(str(caught.value).split(" is missing")[0]).name)
    assert sorted(folders) == sorted(
        [
            "caltech101",
            "cifar",
            "dtd",
            "oxford_flowers102",
            "oxford_iiit_pet",
            "svhn",
            "sun397",
            "patch_camelyon",
            "eurosat",
            "resisc45",
            "diabetic_retinopathy",
            "clevr_count",
            "clevr_dist",
            "dmlab",
            "kitti",
            "dsprites_loc",
            "dsprites_ori",
            "smallnorb_azi",
            "smallnorb_ele",
        ]
    )


@pytest.mark.parametrize("each", vtab.SETS, ids=lambda each: each.name)
def test_every_task_reads_its_own_folder_and_names_its_classes(each, tmp_path: Path) -> None:
    with pytest.raises(Missing) as caught:
        each.listing(tmp_path)
    home = Path(str(caught.value).split(" is missing")[0])
    assert home.parent == tmp_path / "vtab-1k"
    rows = [(f"{n}.png", n % each.classes) for n in range(1000)]
    for name, part in (("train800", rows[:800]), ("val200", rows[800:]), ("test", rows)):
        write(home / f"{name}.txt", part)
    counts = (800, 200, 1000)
    found = tiny(each.name, each.classes, **{"vtab-1k lists": counts}).listing(tmp_path)
    assert len(set(found.classes)) == each.classes
    assert len({each.template.format(name) for name in found.classes}) == each.classes
