"""The papers' augmentations: of whole batches of training images, on the device.

Symbols: N images that are trained on, B of a batch, C pixels of a canvas, S of the backbone,
u [B, n] the n numbers from [0, 1) that an image gets in an epoch, a flip with probability 1/2.

    none           the image
    flip           the image; flip
    vpt            S x S pixels of a canvas of C = 256/224 S (VPT and its heirs on FGVC); flip
    coop           8 to 100 % of a canvas of C = 3/2 S, 3:4 to 4:3, to S x S, bicubic (CoOp, UPT;
                   SPT on FGVC); flip
    pgn_official   the whole image, squashed to S x S, bicubic; colours as in
                   `sweeper.train.colour`; flip (PGN's public code; CLEVR has other crops there)

The codes cut their crops out of the file, here they are cut out of a canvas: the file with its
short side at C pixels, cut to the square at its centre. So no crop reaches what an oblong picture
has left and right of that square, and a small crop of `coop` is enlarged from the pixels of the
canvas where the file may have more. A crop of `coop` is antialiased by its own size, across and
then down, with Pillow's bicubic and its rounding: two matrices [S, C] for each image.

PGN's code cuts what is wider than 4:3, or higher, to that before it squashes; here it does not.

The numbers of an image are keyed by seed, epoch and its place in the split: they do not depend
on its batch, nor on how many workers share a batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from sweeper.backbones.backbone import Preprocessing
from sweeper.errors import InputError, Problem
from sweeper.seeds import generator
from sweeper.spec.trial import Protocol
from sweeper.tasks.task import Split, Task
from sweeper.train import colour
from sweeper.train.inputs import Inputs, trained_on

SIZES = {"vpt": 256 / 224, "coop": 3 / 2}  # C / S
AREA, ASPECT = (0.08, 1.0), (3 / 4, 4 / 3)  # of a crop of `coop`
TRIES = 10  # at a crop that lies inside; then the whole canvas, as torchvision does it

Change = Callable[[Tensor, Tensor, int], Tensor]  # uint8 [B, 3, C, C], u, S -> [B, 3, S, S]


def canvas_of(augmentation: str, preprocessing: Preprocessing) -> Preprocessing | None:
    """How the training images of an augmentation are prepared; None: as all others."""
    if augmentation in SIZES:
        size = round(preprocessing.size * SIZES[augmentation])
        return replace(preprocessing, size=size, resize="crop")
    if augmentation == "pgn_official":
        squashed = replace(preprocessing, resize="squash", interpolation="bicubic")
        return squashed if squashed != preprocessing else None
    return None


def pictures(
    augmentation: str,
    source: Split,
    canvas: Task | None,
    protocol: Protocol,
    preprocessing: Preprocessing,
) -> Split:
    """The images of `source`, which is trained on, as the augmentation wants them: on `canvas`.

    Raises InputError where `canvas` does not hold them, prepared by `canvas_of`.
    """
    wanted = canvas_of(augmentation, preprocessing)
    if wanted is None:
        return source
    found = trained_on(canvas, protocol) if canvas is not None else None
    if (
        found is None
        or found.images.shape[-1] != wanted.size
        or not torch.equal(found.labels, source.labels)
    ):
        got = f"{augmentation}, of {'no' if found is None else 'another'} canvas"
        rule = f"the {len(source)} training images, {wanted.resize}, {wanted.size} pixels"
        raise InputError(Problem("recipe.augmentation", got, rule))
    return found


def augmented(inputs: Inputs, augmentation: str, size: int, seed: int, epoch: int) -> Inputs:
    """`inputs` (images) with the augmentation of one epoch on each batch."""
    if augmentation == "none":
        return inputs
    change, count = CHANGES[augmentation]
    draw = generator(seed, "augmentation", epoch)
    numbers = torch.rand(len(inputs), count, generator=draw).to(inputs.values.device)

    def alter(images: Tensor, index: Tensor | slice) -> Tensor:
        return change(images, numbers[index].to(images.device).double(), size)

    return replace(inputs, alter=alter)


def flip(images: Tensor, u: Tensor, size: int) -> Tensor:  # noqa: ARG001
    """Left for right, by u [B, 1]."""
    return torch.where((u < 0.5).view(-1, 1, 1, 1), images.flip(-1), images)


def shift(images: Tensor, u: Tensor, size: int) -> Tensor:
    """S x S pixels from a corner that u [B, 3] draws, flipped."""
    places = images.shape[-1] - size + 1
    inside = torch.arange(size, device=images.device)
    rows, columns = ((u[:, side, None] * places).long() + inside for side in (0, 1))
    image = torch.arange(len(images), device=images.device).view(-1, 1, 1, 1)
    colours = torch.arange(3, device=images.device).view(1, 3, 1, 1)
    return flip(images[image, colours, rows[:, None, :, None], columns[:, None, None]], u[:, 2:], 0)


def crop(images: Tensor, u: Tensor, size: int) -> Tensor:
    """A crop of random size, shape and place (`box`), resized and flipped by u [B, 2 TRIES + 3]."""
    top, left, height, width = box(u, images.shape[-1]).unbind(1)
    across = _resampling(left, width, images.shape[-1], size)
    down = _resampling(top, height, images.shape[-1], size)
    rows = images.flatten(1, 2).float() @ across.mT  # [B, 3 C, S]
    rows = rows.round_().clamp_(0, 255).view(len(images), 3, -1, size)
    resized = (down[:, None] @ rows).round_().clamp_(0, 255).to(torch.uint8)
    return flip(resized, u[:, -1:], size)


def box(u: Tensor, canvas: int) -> Tensor:
    """Top, left, height and width [B, 4] of the first of TRIES crops that lies in the canvas."""
    area = (AREA[0] + (AREA[1] - AREA[0]) * u[:, :TRIES]) * canvas**2
    low, high = torch.tensor(ASPECT, dtype=u.dtype).log().tolist()
    aspect = (low + (high - low) * u[:, TRIES : 2 * TRIES]).exp()
    sides = torch.stack([(area / aspect).sqrt(), (area * aspect).sqrt()], dim=2).round()
    fits = ((sides > 0) & (sides <= canvas)).all(dim=2)
    first = fits.int().argmax(dim=1).view(-1, 1, 1).expand(-1, 1, 2)
    whole = torch.full_like(sides[:, 0], canvas)
    chosen = torch.where(fits.any(1, keepdim=True), sides.gather(1, first)[:, 0], whole)
    corner = u[:, 2 * TRIES : 2 * TRIES + 2] * (canvas - chosen + 1)
    return torch.cat([corner.floor(), chosen], dim=1)


def _resampling(start: Tensor, length: Tensor, canvas: int, size: int) -> Tensor:
    """Weights [B, S, C] of the canvas's pixels in each of the S of a crop: Pillow's bicubic."""
    scale = (length / size).view(-1, 1, 1)
    centre = (torch.arange(size, device=start.device).view(-1, 1) + 0.5) * scale
    pixel = torch.arange(canvas, device=start.device) - start.view(-1, 1, 1)
    away = ((pixel + 0.5 - centre) / scale.clamp(min=1)).abs()
    near, far = (1.5 * away - 2.5) * away**2 + 1, ((2.5 - 0.5 * away) * away - 4) * away + 2
    weight = torch.where(away < 1, near, torch.where(away < 2, far, 0.0))
    weight = torch.where((pixel >= 0) & (pixel < length.view(-1, 1, 1)), weight, 0.0)
    return (weight / weight.sum(dim=2, keepdim=True)).float()


def recolour(images: Tensor, u: Tensor, size: int) -> Tensor:
    """PGN's colours and a flip, by u [B, 12]."""
    return flip(colour.change(images, u[:, :-1]), u[:, -1:], size)


# name -> what it does to a batch, and how many numbers an image needs for it
CHANGES: dict[str, tuple[Change, int]] = {
    "flip": (flip, 1),
    "vpt": (shift, 3),
    "coop": (crop, 2 * TRIES + 3),
    "pgn_official": (recolour, colour.NUMBERS + 1),
}
