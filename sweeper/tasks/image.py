"""Image files to pixels, and pixels to the size that a backbone wants.

Symbols: N images, H and W pixels as found, S pixels as the backbone wants them.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.nn import functional

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import Problem

SUFFIXES = frozenset(
    [".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm"]
)

# Of the formats with these suffixes. Pillow knows others, one of which starts another program.
FORMATS = ("PNG", "JPEG", "BMP", "DIB", "GIF", "TIFF", "WEBP", "PPM")
MOST_PIXELS = 90_000_000  # a few bytes can promise more than there is memory

# All that Pillow's decoders raise on a broken file.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def decode(data: bytes) -> Tensor:
    """RGB uint8 [3, H, W] of an image file's content, upright (EXIF), its first frame.

    Grey is repeated, 16-bit grey is scaled to 8 bits, transparency is laid on white, other
    colour spaces are converted. Raises ValueError with the reason where that is impossible.
    """
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as file:
            if file.width * file.height > MOST_PIXELS:
                raise ValueError(f"{file.width} x {file.height} pixels are more than can be meant")
            image = ImageOps.exif_transpose(file)
            return torch.from_numpy(_rgb(image)).permute(2, 0, 1).contiguous()
    except UnidentifiedImageError as error:
        raise ValueError("cut short, or of a format that Pillow does not know") from error
    except _BROKEN as error:
        raise ValueError(str(error) or type(error).__name__) from error


def resize(images: Tensor, preprocessing: Preprocessing) -> Tensor:
    """`images` uint8 [N, 3, H, W] as uint8 [N, 3, S, S], by the rule of the weights.

    Antialiased when shrinking, within one grey level of Pillow's own resize.
    """
    size, (height, width) = preprocessing.size, images.shape[-2:]
    if height == width == size:
        return images
    if preprocessing.resize == "squash":
        shape = (size, size)
    elif height <= width:
        shape = (size, int(size * width / height))
    else:
        shape = (int(size * height / width), size)
    if preprocessing.interpolation == "nearest":
        resized = functional.interpolate(images, shape, mode="nearest-exact")
    else:
        resized = functional.interpolate(
            images, shape, mode=preprocessing.interpolation, align_corners=False, antialias=True
        )
    top, left = (round((side - size) / 2) for side in shape)
    return resized[..., top : top + size, left : left + size]


def unreadable(path: Path | str, reason: Exception) -> Problem:
    """The problem of an image file that cannot be decoded."""
    return Problem(
        str(path), f"an unreadable image ({reason})", "a whole image", "Replace or remove it."
    )


def _rgb(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.int64)
        if levels.min() < 0 or levels.max() > 65535:
            raise ValueError("its pixels have more than 16 bits")
        grey = np.rint(levels / 257).astype(np.uint8)  # 65535 = 257 * 255
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers, whose range nobody states")
    if image.has_transparency_data:
        front = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", front.size, "white"), front)
    return np.array(image.convert("RGB"))
