"""The analysis `prompt-picture` (VP Fig. 7 and 10).

It reads a method with `prompt()`, the pixels [1, 3, H, W] that are added to a normalised image.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sweeper.analysis.artifact import write
from sweeper.analysis.picture import image_grid
from sweeper.analysis.subject import Subject

NAME = "prompt-picture"
SHOWN = 3  # images under the prompt
COLUMNS = {
    "row": "of the pixel, from 0",
    "column": "of the pixel, from 0",
    "red": "what is added, in units of a channel of 255",
    "green": "the same",
    "blue": "the same",
}


def prompt_picture(subject: Subject, folder: Path) -> None:
    """The pixels that a method adds to every image, as an image.

    They are drawn around mid-grey, which stands for nothing added, the largest of them at the end
    of the scale; and added to the first images, cut to what a screen shows. The paper does not say
    how it draws pixels that lie outside of a screen's range.
    """
    module: Any = subject.module.eval()
    if not callable(getattr(module, "prompt", None)):
        got = "no pixels that are the same for every image"
        raise subject.refusal(NAME, got, "`prompt()`, pixels [1, 3, H, W]")
    with torch.no_grad():
        normalised = module.prompt()[0].float().cpu()
    std = torch.tensor(subject.backbone.info.preprocessing.std)[:, None, None]
    added = 255 * std * normalised  # a normalised image is (x / 255 - mean) / std
    rows, columns = torch.where((added != 0).any(dim=0))
    learned = added[:, rows, columns].T
    if not len(learned):
        raise subject.refusal(NAME, "a prompt of zeros", "pixels that training has changed")
    largest = learned.abs().max().item()
    write(
        folder,
        NAME,
        subject,
        columns=COLUMNS,
        rows=[
            (row, column, *values)
            for row, column, values in zip(
                rows.tolist(), columns.tolist(), learned.tolist(), strict=True
            )
        ],
        source="VP Fig. 7 and 10",
        results={
            "pixels": len(learned),
            "mean_absolute_value_of_255": learned.abs().mean().item(),
            "largest_absolute_value_of_255": largest,
        },
        pictures=[NAME],
    )
    title = f"added: grey is 0,\nends of the scale ±{largest:.0f} of 255"
    shown = [(_whole(127.5 + 127.5 * added / largest), title)]
    shown += [
        (_whole(image + added), "image and prompt") for image in subject.images.images[:SHOWN]
    ]
    image_grid(folder / NAME, {"": shown})


def _whole(image: Tensor) -> Tensor:
    return image.round().clamp(0, 255).to(torch.uint8)
