"""WILDS' sets, from their metadata."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sweeper.errors import InputError
from sweeper.tasks.sets import data_sets
from sweeper.tasks.sets.wilds import RULE

from .made import grey, labels_by_file, picture, tiny


def test_iwildcam_takes_the_splits_and_labels_of_its_metadata(tmp_path: Path) -> None:
    home = tmp_path / "iwildcam_v2.0"
    picture(home / "train" / "b.png", 7)
    (home / "metadata.csv").write_text(
        "split,location_remapped,image_id,filename,datetime,y,category_id\n"
        "train,1,i1,a.jpg,2013-06-05 05:44:19,0,0\n"
        "train,1,i2,b.png,2013-06-05 05:44:19,2,10\n"
        "val,2,i3,c.jpg,2013-06-05 05:44:19,1,2\n"
        "id_val,1,i4,d.jpg,2013-06-05 05:44:19,0,0\n"
        "test,3,i5,e.jpg,2013-06-05 05:44:19,2,10\n"
        "id_test,1,i6,f.jpg,2013-06-05 05:44:19,0,0\n"
    )
    (home / "categories.csv").write_text(
        "y,category_id,name\n0,0,empty\n1,2,tayassu pecari\n2,10,dasyprocta punctata\n99999,99,x\n"
    )
    found = tiny("iwildcam", 3, **{RULE: (2, 1, 1)}).listing(tmp_path)
    assert found.classes == ("empty", "tayassu pecari", "dasyprocta punctata")
    assert labels_by_file(found) == {
        "train": [("train/a.jpg", 0), ("train/b.png", 2)],
        "val": [("train/c.jpg", 1)],
        "test": [("train/e.jpg", 2)],
    }
    assert grey(found, "train", 1) == 7
    assert data_sets()["iwildcam"].metric == "macro F1"


def test_fmow_is_split_by_year_and_numbers_every_line(tmp_path: Path) -> None:
    home = tmp_path / "fmow_v1.1"
    home.mkdir()
    rows = [
        ("train", "airport", "2012-12-31T23:59:59Z"),
        ("train", "airport", "2013-01-01T00:00:00Z"),  # too late for train
        ("seq", "zoo", "2016-03-01T00:00:00Z"),
        ("val", "zoo", "2013-01-01T00:00:00Z"),
        ("val", "zoo", "2010-05-01T00:00:00Z"),  # in distribution
        ("val", "zoo", "2016-01-01T00:00:00Z"),
        ("test", "multi-unit_residential", "2016-01-01T00:00:00.512Z"),
        ("test", "zoo", "2015-12-31T23:59:59Z"),
    ]
    lines = [f"rgb,{split},x.jpg,{kind},{time},USA" for split, kind, time in rows]
    header = "kind,split,img_filename,category,timestamp,country_code"
    (home / "rgb_metadata.csv").write_text("\n".join([header, *lines]) + "\n")
    found = tiny("fmow", 62, **{RULE: (1, 1, 1)}).listing(tmp_path)
    assert labels_by_file(found) == {
        "train": [("images/rgb_img_0.png", 0)],
        "val": [("images/rgb_img_3.png", 61)],
        "test": [("images/rgb_img_6.png", found.classes.index("multi-unit residential"))],
    }
    (home / "rgb_metadata.csv").write_text(f"{header}\nrgb,train,x,castle,2012-01-01,USA\n")
    with pytest.raises(InputError, match="castle"):
        data_sets()["fmow"].listing(tmp_path)


def test_camelyon17_keeps_two_hospitals_out(tmp_path: Path) -> None:
    home = tmp_path / "camelyon17_v1.0"
    home.mkdir()
    rows = [
        "0,004,4,3328,21792,1,0,0,0",
        "1,004,4,3200,22272,1,0,0,1",  # val in distribution
        "2,020,1,64,32,0,1,3,0",
        "3,042,3,64,32,1,2,23,1",
        "4,099,4,5,6,0,4,49,0",
    ]
    header = ",patient,node,x_coord,y_coord,tumor,center,slide,split"
    (home / "metadata.csv").write_text("\n".join([header, *rows]) + "\n")
    patch = "patient_004_node_4/patch_patient_004_node_4_x_3328_y_21792.png"
    picture(home / "patches" / patch, 9)
    found = tiny("camelyon17", 2, **{RULE: (2, 1, 1)}).listing(tmp_path)
    given = labels_by_file(found)
    assert given["train"][0] == (patch, 1)
    assert Counter(label for rows in given.values() for _, label in rows) == {0: 2, 1: 2}
    assert found.splits["val"].name(0).endswith("patch_patient_020_node_1_x_64_y_32.png")
    assert found.splits["test"].name(0).endswith("patch_patient_042_node_3_x_64_y_32.png")
    assert grey(found, "train", 0) == 9
    text = data_sets()["camelyon17"].template.format(found.classes[1])
    assert text == "a tissue region containing tumor"


def test_a_table_without_its_columns_is_named(tmp_path: Path) -> None:
    home = tmp_path / "camelyon17_v1.0"
    home.mkdir()
    (home / "metadata.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"metadata\.csv: unreadable content.*patient"):
        data_sets()["camelyon17"].listing(tmp_path)
