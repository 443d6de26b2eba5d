import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from sweeper.backbones.backbone import Preprocessing
from sweeper.tasks.image import decode, resize


def encoded(image, kind="PNG", **options):
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def preprocessing(size, interpolation="bilinear", resize="squash"):
    return Preprocessing(size, (0.5,) * 3, (0.5,) * 3, interpolation, resize)


@pytest.fixture
def photo():
    """Smooth colours, 48 high and 64 wide."""
    rows, columns = np.mgrid[0:48, 0:64]
    return np.stack([rows * 5, columns * 3, rows + columns], axis=2).astype(np.uint8)


def test_rgb_is_read_as_it_is(photo):
    found = decode(encoded(Image.fromarray(photo)))
    assert torch.equal(found, torch.from_numpy(photo).permute(2, 0, 1))


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "YCbCr", "LAB"])
def test_other_colour_spaces_become_rgb(photo, mode):
    source = Image.fromarray(photo).convert(mode)
    found = decode(encoded(source, "TIFF"))
    expected = torch.from_numpy(np.array(source.convert("RGB"))).permute(2, 0, 1)
    assert torch.equal(found, expected)


def test_sixteen_bit_grey_is_scaled_and_not_clipped():
    levels = np.array([[0, 257, 32768, 65535]], dtype=np.uint16)
    found = decode(encoded(Image.fromarray(levels)))
    assert found.tolist() == [[[0, 1, 128, 255]]] * 3


def test_pixels_without_a_known_range_are_refused():
    with pytest.raises(ValueError, match="floating-point"):
        decode(encoded(Image.fromarray(np.ones((2, 2), np.float32)), "TIFF"))
    with pytest.raises(ValueError, match="more than 16 bits"):
        decode(encoded(Image.fromarray(np.full((2, 2), 70_000, np.int32)), "TIFF"))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_on_white(mode):
    hidden = Image.new("RGBA", (2, 2), (0, 0, 0, 0))
    found = decode(encoded(hidden.convert(mode), **({"transparency": 0} if mode == "P" else {})))
    assert (found == 255).all()


def test_the_orientation_of_a_camera_is_followed(photo):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    found = decode(encoded(Image.fromarray(photo), exif=exif))
    assert torch.equal(found, torch.from_numpy(np.rot90(photo, -1).copy()).permute(2, 0, 1))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_a_cut_file_is_refused(photo, kind):
    data = encoded(Image.fromarray(photo), kind)
    decode(data)
    with pytest.raises(ValueError, match=r"\w"):
        decode(data[: len(data) // 2])
    with pytest.raises(ValueError, match="cut short, or of a format"):
        decode(b"")


def test_a_file_whose_header_makes_no_sense_is_refused(photo):
    data = bytearray(encoded(Image.fromarray(photo), "TIFF"))
    strips = data.index(struct.pack("<HH", 273, 4))  # where pixels begin, a whole number
    data[strips + 2 : strips + 4] = struct.pack("<H", 11)  # said to be a floating-point number
    with pytest.raises(ValueError, match="float"):
        decode(bytes(data))


def test_an_inverted_cmyk_jpeg_of_adobe_comes_out_as_it_was(photo):
    source = Image.fromarray(photo)
    data = encoded(source.convert("CMYK"), "JPEG", quality=95)
    assert b"Adobe" in data, "Pillow writes what Photoshop does: inverted, and marked as such"
    found = decode(data).permute(1, 2, 0).int()
    assert (found - torch.from_numpy(photo).int()).abs().float().mean() < 3


def test_a_jpeg_is_right_within_what_it_loses(photo):
    for mode in ("RGB", "L"):
        source = Image.fromarray(photo).convert(mode)
        expected = torch.from_numpy(np.array(source.convert("RGB"))).int()
        found = decode(encoded(source, "JPEG", quality=95)).permute(1, 2, 0).int()
        assert (found - expected).abs().float().mean() < 3


def test_sixteen_bit_colour_keeps_its_upper_eight_bits():
    chunk = b"\x00" + b"".join(struct.pack(">H", level) for level in (0, 0x80FF, 0xFFFF))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(chunk)),
    )
    data = b"\x89PNG\r\n\x1a\n"
    for name, body in (*parts, (b"IEND", b"")):
        data += struct.pack(">I", len(body)) + name + body
        data += struct.pack(">I", zlib.crc32(name + body))
    assert decode(data).flatten().tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("interpolation", "filter"),
    [("bilinear", Image.Resampling.BILINEAR), ("bicubic", Image.Resampling.BICUBIC)],
)
@pytest.mark.parametrize("size", [20, 96])
def test_resizing_is_that_of_pillow_within_one_level(photo, interpolation, filter, size):
    noise = np.random.default_rng(0).integers(0, 256, photo.shape, dtype=np.uint8)
    for pixels in (photo, noise):
        found = resize(
            torch.from_numpy(pixels).permute(2, 0, 1)[None], preprocessing(size, interpolation)
        )
        expected = np.array(Image.fromarray(pixels).resize((size, size), filter))
        apart = found[0].permute(1, 2, 0).int() - torch.from_numpy(expected).int()
        assert apart.abs().max() <= 1


def test_crop_keeps_the_aspect_and_the_centre():
    wide = torch.zeros(1, 3, 10, 30, dtype=torch.uint8)
    wide[..., 10:20] = 255
    assert (resize(wide, preprocessing(10, resize="crop")) == 255).all()
    assert (resize(wide.mT, preprocessing(10, resize="crop")) == 255).all()
    assert resize(wide, preprocessing(10)).float().mean().round() == 85


def test_nearest_takes_pixels_as_they_are():
    board = torch.tensor([[0, 255], [255, 0]], dtype=torch.uint8).expand(1, 3, 2, 2)
    found = resize(board, preprocessing(6, "nearest"))
    assert found.unique().tolist() == [0, 255]
    assert torch.equal(found[..., ::3, ::3], board)


def test_images_of_the_right_size_are_untouched():
    images = torch.randint(0, 256, (2, 3, 9, 9), dtype=torch.uint8)
    assert torch.equal(resize(images, preprocessing(9, "bicubic", "crop")), images)
