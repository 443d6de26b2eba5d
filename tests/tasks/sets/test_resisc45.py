import pytest

from sweeper.tasks.dataset import Missing
from sweeper.tasks.sets import data_sets

from .released import folders, named, small, split_file


@pytest.mark.parametrize("place", ["resisc45/images", "resisc45/NWPU-RESISC45", "NWPU-RESISC45"])
def test_each_class_is_cut_in_sixty_twenty_twenty(tmp_path, place):
    folders(tmp_path / place, ["tennis_court", "airplane"], 10)
    found = small("resisc45", 2, generated=(12, 4, 4)).listing(tmp_path)
    assert found.classes == ("airplane", "tennis court")
    for split, count in (("train", 6), ("val", 2), ("test", 2)):
        assert found.splits[split].labels == [0] * count + [1] * count


def test_the_file_of_pgn_is_used_where_it_lies(tmp_path):
    images = tmp_path / "resisc45" / "images"
    folders(images, ["tennis_court", "airplane"], 3)
    rows = [[f"{name}/{n}.jpg", label, name] for n in range(3)
            for label, name in enumerate(["airplane", "tennis_court"])]  # fmt: skip
    parts = {"train": rows[:2], "val": rows[2:4], "test": rows[4:]}
    split_file(tmp_path / "resisc45" / "resisc45_json.json", parts)
    found = small("resisc45", 2, resisc45_json=(2, 2, 2)).listing(tmp_path)
    assert found.rule == "resisc45_json"
    assert found.identity.startswith("resisc45_json-")
    assert named(found, images)["test"] == {"airplane/2.jpg": 0, "tennis_court/2.jpg": 1}


def test_a_missing_set_says_how_to_get_it(tmp_path):
    with pytest.raises(Missing, match=r"resisc45_json.json of PGN's public code"):
        data_sets()["resisc45"].listing(tmp_path)
