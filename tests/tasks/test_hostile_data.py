"""Lists and files of data that others made: they reach no other folder and start no program."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from sweeper.errors import InputError
from sweeper.tasks import class_names, npz, split_zhou
from sweeper.tasks.files import leads_out, listing
from sweeper.tasks.image import MOST_PIXELS, decode
from sweeper.tasks.release import Release, cut

ASTRAY = ["../secret.png", "/etc/secret.png", "a/../../secret.png", "a/..", "~/x.png", "a\0.png"]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for path in (folder / "0.png", tmp_path / "secret.png"):
        Image.new("RGB", (2, 2)).save(path)
    return folder


@pytest.mark.parametrize("file", ASTRAY)
def test_a_list_names_files_of_its_folder_alone(images: Path, file: str) -> None:
    assert leads_out(file)
    rows = {"train": [("0.png", 0), (file, 0)], "val": [("0.png", 0)], "test": [("0.png", 0)]}
    with pytest.raises(InputError, match="in its lists; expected a file in that folder") as caught:
        listing(images, ["a"], rows, "official")
    assert repr(file) in str(caught.value)
    with pytest.raises(InputError, match="in its lists"):
        cut(Release(images, ("a",), rows))
    path = images.parent / "split_zhou_X.json"
    entries = {
        split: [[name, label, "a"] for name, label in found] for split, found in rows.items()
    }
    path.write_text(json.dumps(entries))
    with pytest.raises(InputError, match="the file in the folder of images"):
        split_zhou.read(path, images)


def test_names_with_dots_of_their_own_are_files() -> None:
    for name in ("a..b.png", "...", "a/.b.png", "..a/b.png"):
        assert not leads_out(name)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "\0", "nan", "[[1e999]]"])
def test_json_of_any_depth_is_one_error(images: Path, text: str) -> None:
    path = images.parent / "x.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"x\.json"):
        split_zhou.read(path, images)
    with pytest.raises(InputError, match=r"x\.json"):
        class_names.read(path)


def test_no_image_starts_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "ran"
    program = tmp_path / "gs"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    drawing = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"
    with pytest.raises(ValueError, match="does not know"):
        decode(drawing)
    assert not mark.exists()
    with Image.open(io.BytesIO(drawing)) as file, pytest.raises(Exception, match=r".*"):
        file.load()
    assert mark.exists()  # by Pillow alone it would have been started


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")


@pytest.mark.parametrize("sides", [(9_600, 9_600), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_an_image_that_promises_more_pixels_than_can_be_meant_is_refused(
    sides: tuple[int, int],
) -> None:
    assert sides[0] * sides[1] > MOST_PIXELS
    with pytest.raises(ValueError, match=r"pixels|exceeds|too large|decompression"):
        decode(_png(*sides))


def test_an_array_that_promises_more_than_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "|u1", "fortran_order": False, "shape": (2**45, 8, 8)}
    )
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("images.npy", head.getvalue())
        file.writestr("labels.npy", head.getvalue())
    with pytest.raises(InputError, match=r"x\.npz"):
        npz.collection(path)
