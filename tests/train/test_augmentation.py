"""Each augmentation against its plain form: one image at a time, with Pillow, by torchvision."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torchvision.transforms import functional as plain

from sweeper.errors import InputError
from sweeper.seeds import generator
from sweeper.spec.trial import Protocol
from sweeper.tasks.task import Split, Task
from sweeper.train.augmentation import CHANGES, augmented, box, canvas_of, pictures
from sweeper.train.colour import NUMBERS, factors
from sweeper.train.inputs import Inputs, trained_on

from . import tiny

CPU = torch.device("cpu")
KINDS = [*CHANGES]


def inputs(images, labels=None):
    labels = torch.zeros(len(images), dtype=torch.int64) if labels is None else labels
    return Inputs(images, labels, lambda values: values, CPU)


def photographs(count, size):
    """Soft shapes with hard edges and a little noise, all greys and colours among them."""
    draw = generator(0, "photographs", size)
    coarse = torch.rand(count, 3, 5, 5, generator=draw) * 300 - 20
    images = torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear")
    images[:, :, size // 3 : size // 2, : size // 4] = 255
    images[:, 0, -4:] = images[:, 1, -4:] = images[:, 2, -4:]  # grey rows
    noise = torch.randint(-3, 4, images.shape, generator=draw)
    return (images + noise).clamp(0, 255).to(torch.uint8)


def numbers(kind, count):
    return torch.rand(count, CHANGES[kind][1], generator=generator(3, kind)).double()


def pillow(image):
    return Image.fromarray(image.permute(1, 2, 0).numpy())


def tensor(image):
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def flipped(image, u):
    return ImageOps.mirror(image) if u < 0.5 else image


def plain_flip(image, u, size):  # noqa: ARG001
    return flipped(image, u[0])


def plain_vpt(image, u, size):
    room = image.width - size + 1
    top, left = int(u[0] * room), int(u[1] * room)
    return flipped(image.crop((left, top, left + size, top + size)), u[2])


def plain_coop(image, u, size):
    """torchvision's RandomResizedCrop, its numbers given; Pillow resizes across, then down."""
    side = image.width
    top, left, height, width = 0, 0, side, side
    for attempt in range(10):
        area = side * side * (0.08 + 0.92 * u[attempt])
        low, high = math.log(3 / 4), math.log(4 / 3)
        aspect = math.exp(low + (high - low) * u[10 + attempt])
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= side and 0 < h <= side:
            top, left = int(u[20] * (side - h + 1)), int(u[21] * (side - w + 1))
            height, width = h, w
            break
    across = plain.crop(image, top, left, height, width).resize((size, height), Image.BICUBIC)
    return flipped(across.resize((size, size), Image.BICUBIC), u[22])


def plain_pgn(image, u, size):  # noqa: ARG001
    if u[0] < 0.8:
        strength = [1 + 0.4 * (2 * x - 1) for x in u[1:4]] + [0.4 * (2 * u[4] - 1)]
        steps = (
            plain.adjust_brightness,
            plain.adjust_contrast,
            plain.adjust_saturation,
            plain.adjust_hue,
        )
        for place in np.argsort(u[5:9]):
            image = steps[place](image, strength[place])
    if u[9] < 0.2:
        image = plain.to_grayscale(image, 3)
    if u[10] < 0.2:
        image = ImageOps.solarize(image)
    return flipped(image, u[11])


PLAIN = {"flip": plain_flip, "vpt": plain_vpt, "coop": plain_coop, "pgn_official": plain_pgn}


@pytest.mark.parametrize(
    ("kind", "canvas", "size"),
    [
        ("flip", 20, 20),
        ("vpt", 32, 28),
        ("coop", 48, 32),
        ("coop", 60, 20),
        ("pgn_official", 24, 24),
    ],
)
def test_a_batch_comes_out_as_its_images_one_by_one(kind, canvas, size):
    images, u = photographs(150, canvas), numbers(kind, 150)
    before = images.clone()
    found = CHANGES[kind][0](images, u, size)
    expected = torch.stack(
        [tensor(PLAIN[kind](pillow(i), n.tolist(), size)) for i, n in zip(images, u, strict=True)]
    )
    assert found.dtype == torch.uint8
    assert torch.equal(images, before), "the images of the split are left as they are"
    assert (found.int() - expected.int()).abs().max() <= 1
    assert (found == expected).float().mean() > 0.999
    assert not torch.equal(found, CHANGES[kind][0](images, u.flip(0), size))


def test_every_colour_is_turned_as_pillow_turns_it():
    """All hues, saturations and ties of 8 bits: the 9 levels of each channel, by seven turns."""
    levels = torch.tensor([0, 1, 51, 85, 127, 128, 170, 204, 254, 255], dtype=torch.uint8)
    colours = torch.cartesian_prod(levels, levels, levels).T.reshape(3, 40, 25)
    turns = torch.tensor([0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1 - 2**-20], dtype=torch.float64)
    u = torch.zeros(len(turns), NUMBERS + 1, dtype=torch.float64)
    u[:, 1:4], u[:, 4], u[:, 9:] = 0.5, turns, 0.9  # nothing but hue
    u[:, 5:9] = torch.tensor([0.1, 0.2, 0.3, 0.4])
    found = CHANGES["pgn_official"][0](colours.expand(len(turns), -1, -1, -1), u, 0)
    for image, turn in zip(found, factors(u[:, 1:5])[:, 3].tolist(), strict=True):
        assert torch.equal(image, tensor(plain.adjust_hue(pillow(colours), turn)))


def test_a_crop_lies_in_the_canvas_has_its_area_and_shape_and_falls_back_to_the_whole():
    u = torch.rand(4000, 23, generator=generator(0, "boxes"), dtype=torch.float64)
    u[0, :10], u[0, 10:20] = 1 - 1e-9, 0.0  # too large and too long, ten times
    found = box(u, 96)
    assert found[0].tolist() == [0, 0, 96, 96]
    top, left, height, width = found.unbind(1)
    assert (found >= 0).all()
    assert (top + height <= 96).all()
    assert (left + width <= 96).all()
    share, aspect = height * width / 96**2, (width / height)[1:]
    assert 0.07 < share.min() < 0.1
    assert 0.45 < share.mean() < 0.53, "large oblong crops do not fit and are drawn again"
    assert 0.7 < aspect.min() < 0.78
    assert 1.28 < aspect.max() < 1.4
    assert (left + width == 96).any()
    assert (left == 0).any()


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_is_changed_alike_in_any_batch_and_otherwise_in_another_epoch(kind):
    canvas = 32 if kind in ("vpt", "coop") else 28
    split = inputs(photographs(30, canvas))
    changed = augmented(split, kind, 28, seed=5, epoch=2)
    whole, _ = changed.batch(torch.arange(30))
    for index in ([7], [21, 7, 3], [*range(29, -1, -1)]):
        part, _ = changed.batch(torch.tensor(index))
        assert torch.equal(part, whole[index])
    again, _ = augmented(split, kind, 28, seed=5, epoch=2).batch(slice(0, 30))
    assert torch.equal(again, whole)
    for other in ({"seed": 5, "epoch": 3}, {"seed": 6, "epoch": 2}):
        assert not torch.equal(augmented(split, kind, 28, **other).batch(slice(0, 30))[0], whole)


def test_no_augmentation_is_nothing_at_all():
    split = inputs(photographs(3, 8))
    assert augmented(split, "none", 8, seed=0, epoch=0) is split


def test_a_crop_has_a_canvas_and_the_rest_has_none():
    own = replace(tiny.PREPROCESSING, size=224, resize="crop")
    assert canvas_of("none", own) is canvas_of("flip", own) is None
    assert canvas_of("vpt", own) == replace(own, size=256)
    assert canvas_of("coop", own) == replace(own, size=336)
    squashed = replace(own, resize="squash", interpolation="bicubic")
    assert canvas_of("pgn_official", own) == squashed
    assert canvas_of("pgn_official", squashed) is None
    assert canvas_of("vpt", squashed).resize == "crop"


def on_canvas(size):
    """The tiny task with its images enlarged to `size`."""
    task = tiny.task()

    def enlarged(split):
        images = torch.nn.functional.interpolate(split.images, (size, size), mode="nearest-exact")
        return Split(images, split.labels)

    return Task(task.info, enlarged(task.train), enlarged(task.val), enlarged(task.test))


@pytest.mark.parametrize("train_on", ["train", "train+val"])
def test_training_reads_the_same_images_on_the_canvas(train_on):
    protocol = Protocol(train_on=train_on)
    source = trained_on(tiny.task(), protocol)
    found = pictures("coop", source, on_canvas(12), protocol, tiny.PREPROCESSING)
    assert len(found) == (37 if train_on == "train" else 49)
    assert found.images.shape[-1] == 12
    assert pictures("flip", source, on_canvas(12), protocol, tiny.PREPROCESSING) is source


def test_another_canvas_or_none_is_refused():
    source, right = tiny.task().train, on_canvas(12)
    fewer = replace(right, train=Split(right.train.images[1:], right.train.labels[1:]))
    for canvas in (None, on_canvas(9), fewer):
        with pytest.raises(InputError, match="37 training images, crop, 12 pixels"):
            pictures("coop", source, canvas, Protocol(), tiny.PREPROCESSING)
