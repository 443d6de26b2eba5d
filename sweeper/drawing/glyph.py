"""Digits and letters: an atlas of distance fields rendered once from fonts.

The fonts are those that matplotlib ships (DejaVu, STIX, Computer Modern), so every machine draws
the same glyphs.
"""

import functools
from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from sweeper.drawing.distance import FINE, REACH, signed_distance

DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique",
    "DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique", "DejaVuSerif",
    "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic", "STIXGeneral",
    "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta", "cmr10", "cmb10", "cmss10",
    "cmtt10", "cmti10",
)  # fmt: skip


def _render(character: str, font: ImageFont.FreeTypeFont) -> Tensor:
    """Mask ``[FINE, FINE]`` of one glyph, its bounding box centred and of half-height 0.9."""
    picture = Image.new("L", (FINE, FINE), 0)
    left, top, right, bottom = font.getbbox(character)
    at = ((FINE - left - right) / 2, (FINE - top - bottom) / 2)
    ImageDraw.Draw(picture).text(at, character, fill=255, font=font)
    return torch.from_numpy(np.array(picture) > 127)


def _font(name: str) -> ImageFont.FreeTypeFont:
    """The font at the size where its digits are 1.8 figure units tall."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
    trial = ImageFont.truetype(str(path), FINE)
    _, top, _, bottom = trial.getbbox("8")
    wanted = 1.8 * FINE / (2 * REACH)
    return ImageFont.truetype(str(path), round(FINE * wanted / (bottom - top)))


@functools.cache
def glyph_atlas(characters: str) -> Tensor:
    """Distance fields ``[len(characters), len(FONTS), GRID, GRID]`` in figure units."""
    fonts = [_font(name) for name in FONTS]
    masks = torch.stack([_render(character, font) for character in characters for font in fonts])
    fields = torch.cat([signed_distance(part) for part in torch.split(masks, 8)])
    return fields.view(len(characters), len(FONTS), *fields.shape[1:])
