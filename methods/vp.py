"""Visual prompts (VP): pixels, learned once for all images, added to each image.

Paper: "Exploring Visual Prompts for Adapting Large-Scale Models", Eq. 1; Fig. 3 shows the three
    shapes, its ablation varies shape and size.
Equation: z = Phi(x + V), V zero outside of the learned pixels, x an image already normalised;
    logits = s * cos(z, text), or the first K outputs of the weights' own head (`mapped`), or
    those that `outputs` names, one for each class.
Shapes: V [1, 3, H, W]; `padding`, a frame s wide: pad_up, pad_down [1, 3, s, W], pad_left,
    pad_right [1, 3, H - 2s, s], empty at s = H / 2; patches: patch [1, 3, s, s].
Trainable: 2 * 3 * s * (H + W - 2s) of a frame (69,840 with s = 30 at 224 pixels), 3 * s^2 of a
    patch

Deviations:
- The paper says how pixels are added, not how they start; N(0, 1), in units of the normalised
  image, is the code's. Nothing is clamped, as there.
- random_patch: a corner for each batch in training. The code draws it in tests too, from a stream
  that it never seeds, cannot draw the last offset, and raises at s = H. Here every offset can be
  drawn, and outside of training the patch stands at one corner, drawn once by the seed and saved.
- The paper names SGD with a cosine, no momentum and no warm-up: `paper`. The code has momentum 0.9
  and 1000 warm-up steps: `official`. Its mixed precision is `precision` of the protocol.
- The code picks the epoch by test accuracy, and so does `official`, which every table says.
- PGN Table 5 prints 0.94M for VP over 12 data sets; 12 frames of 30 pixels are 0.84M.
- The code turns hyphens of class names into spaces, too; here only underscores.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from sweeper.method import (
    Backbone,
    BackboneInfo,
    Choice,
    HeadKind,
    Integers,
    MethodParams,
    Space,
    generator,
    head_refusal,
    make_head,
    param,
)


class Params(MethodParams):
    """Where the learned pixels are, and what reads the feature."""

    shape: Literal["padding", "fixed_patch", "random_patch"] = param(
        "padding", description="Fig. 3; the paper's own choice"
    )
    size: int = param(
        4, ge=1, le=4096, description="pixels, s; as the paper's 30 of 224, of `embedded`'s 32"
    )
    head: Literal["text", "mapped", "own"] = param(
        "text", description="text: CLIP; mapped: others; paper. own: whichever the backbone has"
    )
    outputs: str = param(
        "",
        pattern=r"^(\d+(,\d+)*)?$",
        max_length=4096,
        description="numbers of the head's outputs that stand for the classes, 151,281; empty: in "
        "their order. Output k of a text head is the text of class k. Section 6.3",
        exclude_if=operator.not_,  # came later: ids of trials without it stay what they are
    )


SPACE: Mapping[str, Space] = {
    "shape": Choice(("padding", "fixed_patch", "random_patch")),
    "size": Integers(1, 112, log=True),
}

_RECIPE: Mapping[str, object] = {
    "shape": "padding",
    "size": 30,
    "optimizer": "sgd",
    "lr": 40.0,
    "batch_size": 256,
    "epochs": 1000,
}

PRESETS: Mapping[str, Mapping[str, object]] = {
    "paper": {**_RECIPE, "momentum": 0.0, "schedule": "cosine"},
    "official": {
        **_RECIPE,
        "momentum": 0.9,
        "schedule": "vp_official",
        "selection": "best_test",
    },
}

REQUIRES: frozenset[str] = frozenset()


def skip(params: Params, backbone: BackboneInfo) -> str | None:
    """A reason if the pixels do not fit into the image, or there is no such head."""
    pixels = backbone.preprocessing.size
    if params.shape == "padding" and 2 * params.size > pixels:
        return f"size {params.size} on both sides is more than its {pixels} pixels"
    if params.size > pixels:
        return f"size {params.size} is more than its {pixels} pixels"
    kind = _kind(params, backbone)
    last = max(_outputs(params), default=-1)
    if kind == "mapped" and last >= backbone.head_classes > 0:
        return f"outputs {params.outputs}: its head has {backbone.head_classes}, from 0 on"
    return head_refusal(kind, backbone)


def _kind(params: Params, backbone: BackboneInfo) -> HeadKind:
    if params.head == "own":
        return "text" if "text" in backbone.ways else "mapped"
    return params.head


def _outputs(params: Params) -> tuple[int, ...]:
    return tuple(int(number) for number in params.outputs.split(",") if number)


class Method(nn.Module):
    """The pixels, under the names of the public code, and the head."""

    corner: Tensor  # of a random patch outside of training: top, left, in pixels

    def __init__(
        self,
        *,
        backbone: Backbone,
        classes: tuple[str, ...],
        template: str,
        params: Params,
        seed: int,
    ) -> None:
        super().__init__()
        self.backbone, self.shape = backbone, params.shape
        self.pixels, self.size = backbone.info.preprocessing.size, params.size

        def drawn(name: str, height: int, width: int) -> nn.Parameter:
            draw = generator(seed, "vp", name)
            return nn.Parameter(torch.randn(1, 3, height, width, generator=draw))

        if params.shape == "padding":
            between = self.pixels - 2 * params.size
            self.pad_up = drawn("pad_up", params.size, self.pixels)
            self.pad_down = drawn("pad_down", params.size, self.pixels)
            self.pad_left = drawn("pad_left", between, params.size)
            self.pad_right = drawn("pad_right", between, params.size)
        else:
            self.patch = drawn("patch", params.size, params.size)
        if params.shape == "random_patch":
            self.register_buffer("corner", self._corner(generator(seed, "vp", "corner")))
        self.head = make_head(
            _kind(params, backbone.info),
            backbone=backbone,
            classes=classes,
            template=template,
            init="normal",
            draw=generator(seed, "vp", "head"),
            outputs=_outputs(params),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        logits: Tensor = self.head(self.backbone.encode_image(images + self.prompt()))
        return logits

    def prompt(self) -> Tensor:
        """V [1, 3, H, W]; of a random patch another one each time, while in training."""
        if self.shape == "padding":
            inside = self.pad_up.new_zeros(1, 3, *[self.pixels - 2 * self.size] * 2)
            middle = torch.cat((self.pad_left, inside, self.pad_right), dim=3)
            return torch.cat((self.pad_up, middle, self.pad_down), dim=2)
        top, left = 0, 0
        if self.shape == "random_patch":
            # The training loop seeds the global stream anew in each epoch.
            top, left = (self._corner(None) if self.training else self.corner).tolist()
        rest = self.pixels - self.size
        return nn.functional.pad(self.patch, (left, rest - left, top, rest - top))

    def _corner(self, draw: torch.Generator | None) -> Tensor:
        return torch.randint(self.pixels - self.size + 1, (2,), generator=draw)
