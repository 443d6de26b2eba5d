import os
from hashlib import sha256

import pytest

from sweeper.errors import InputError, Problem
from sweeper.tasks import catalog, checked

from .test_folder import describe, fill
from .test_image import Image, encoded

RED = encoded(Image.new("RGB", (2, 2), "red"))


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def look(known, data, count=3):
    return checked.contents(known, count, data, "image {}".format, "looking")


def never(number):
    raise AssertionError(f"image {number} was opened")


def test_what_was_found_is_remembered_and_no_image_is_opened_again():
    found = look("a", lambda _: RED)
    assert found == ([sha256(RED).digest()] * 3, [])
    assert look("a", never) == found
    assert look("b", lambda _: RED) == found


def test_data_with_a_broken_image_is_looked_at_again(place):
    digests, broken = look("a", lambda number: RED if number else b"")
    assert digests[0] == b""
    assert str(broken[0]).startswith("image 0: an unreadable image")
    assert not (place / "checked").exists()
    assert look("a", lambda _: RED)[1] == []


def test_a_damaged_memory_is_made_anew(place):
    found = look("a", lambda _: RED)
    (place / "checked" / "a").write_bytes(b"cut")
    assert look("a", lambda _: RED) == found
    assert look("a", never) == found
    assert [path.name for path in (place / "checked").iterdir()] == ["a"]


def test_the_stamp_is_of_names_sizes_and_times(tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(RED)

    def stamp(name="a.png"):
        return checked.stamp(tmp_path, [(name, file.stat())])

    first = stamp()
    assert stamp() == first
    assert stamp("b.png") != first
    assert checked.stamp(tmp_path / "x", [("a.png", file.stat())]) != first
    assert checked.stamp(tmp_path, [("a.png", None)]) != first
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
    later = stamp()
    assert later != first
    file.write_bytes(RED + b" ")
    os.utime(file, ns=(0, file.stat().st_mtime_ns))
    assert stamp() not in (first, later)


def test_a_second_process_opens_no_image(tmp_path, monkeypatch):
    for name in ("cat", "dog"):
        fill(tmp_path / "pets" / name, 5)
    first = describe(tmp_path / "pets")
    catalog.collection.listing.cache_clear()  # as in another process
    monkeypatch.setattr(checked, "decode", never)
    assert describe(tmp_path / "pets") == first


def test_many_problems_are_cut_short_with_their_count():
    many = [Problem(str(number), "broken", "whole") for number in range(1000)]
    assert checked.shortened(many[:20], "here") == many[:20]
    cut = checked.shortened(many, "here")
    assert cut[:20] == many[:20]
    assert [str(problem) for problem in cut[20:]] == [
        "here: 980 more like these (1,000 in all); expected none of them"
    ]


def test_a_cache_that_cannot_be_written_says_how_to_move_it(place):
    place.write_text("a file where the folder should be")
    with pytest.raises(InputError, match="Set SWEEPER_CACHE") as caught:
        look("a", lambda _: RED)
    assert str(caught.value).startswith(f"{place / 'checked'}: it cannot be written")
