"""Self-prompt tuning (SPT): prompts that start as tokens of the training images, then train.

Paper: "Revisiting the Power of Prompt for Visual Tuning", section 3.3; Tables 1, 4 and S2 and
    Fig. 3 vary what `Params` holds; Fig. 1 and S2 show the shallow and the deep variant.
Equation: z = Phi([CLS; P_0; patches]; P_1 .. P_L-1 replace P_0 before their blocks if deep),
    logits = W z + b; P_i made from E_i, the patch tokens that enter block i (E_0 with positions),
    of B images: p of their B N_e tokens (`sample`), or mean or max over p windows of
    floor(B N_e / p) tokens; or p k-means centres of the tokens of all images.
Shapes: P [1, p, D] (shallow) or [L, p, D] (deep), E_i [B N_e, D], z [B, E], W [K, E], b [K].
Trainable: p * D (shallow) or L * p * D (deep), 0 if frozen, and K * (E + 1) of a linear head.

Deviations:
- Images are prepared as for a test; the public code makes prompts from augmented ones.
- k-means is MiniBatchKMeans of scikit-learn, one pass over the images in an order of the seed,
  the tokens of CHUNK images shuffled and cut to 1024. The paper clusters all tokens at once (up to
  27 days in Table 1), the public code has no clustering at all. `pool` does not limit it.
- "One batch" is said in the text, but Table 1's seconds of mean, max and sample grow with the
  share of the data: `pool` 0 reads all of `fraction`. That share is drawn regardless of class.
- `variant` official is the public code: E_0 before positions are added; images drawn with
  replacement, as many as there are (`pool` 0) except for MoCo (1); windows of each image by
  itself, floor(N_e / (p - 1)) tokens and a last one of the remainder, which is all N_e where
  nothing remains (p = 5, 50, 100 at N_e = 196), and p of the p B results at random; shallow always
  samples. p = 1 and p >= N_e + 2 divide by zero there, and are refused here.
- `random` and `frozen` are rows of Table 4 that the public code does not have; `random` is VPT's
  start. `first` and `last` put one set of prompts before every block, as Table S2 says.
- Printed counts are with head: FGVC 0.25M (257,207 with p = 100) is cut, 0.36M (364,727 with
  p = 20) and VTAB's 0.11M and 0.22M are rounded. "Less than 0.4 %" is 0.42 % for FGVC, deep.
- The code trains on train + val and picks the epoch by test accuracy: so does `official`. On FGVC
  it crops and flips (`augmentation: coop`), on VTAB-1k it does not, and neither do the presets.
- The paper states neither learning rate nor weight decay; the code's examples have 1e-3, 1e-2 and
  3.0 for the head (supervised) and 5e-2, 1e-2, 0.5 (MAE). Its averaged weights are never tested.
- On CLIP, which SPT has not: prompts enter behind the first norm, where the tokens are that they
  are made of; E_0 of `official` stands before that norm, and so do then the prompts of block 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from methods._tokens import Range, clustered, image_windows, picks, pooled, windows
from sweeper.method import (
    Backbone,
    BackboneInfo,
    Choice,
    Examples,
    HeadInit,
    HeadKind,
    Integers,
    MethodParams,
    Prompts,
    Space,
    derive,
    generator,
    head_refusal,
    make_head,
    param,
)

CHUNK = 32  # images whose tokens are held at a time


class Params(MethodParams):
    """The axes of Tables 1, 4 and S2 and Fig. 3; defaults are the rows named SPT-deep."""

    depth: Literal["shallow", "deep"] = param("deep", description="Fig. 1; Table 2")
    prompt_length: int = param(20, ge=1, le=4096, description="p; Table S3 (100 if shallow)")
    strategy: Literal["random", "kmeans", "mean", "max", "sample"] = param(
        "sample", description="Table 4; random: U(-v, v), v = sqrt(6 / (3 patch^2 + D)), as VPT"
    )
    level: Literal["same", "first", "last"] = param(
        "same", description="Table S2: E_i for block i, or E_0 or E_L for all"
    )
    fraction: float = param(1.0, gt=0, le=1, description="of the training images; Table 1")
    pool: int = param(32, ge=0, le=10_000_000, description="B images; 0: all. Section 3.3, 4.1")
    source_task: str = param("", description="other task to make prompts from; Fig. 3b")
    frozen: bool = param(False, description="prompts stay as made; Table 4a")
    variant: Literal["paper", "official"] = param(
        "paper", description="which E_0, images and windows; official: the public code"
    )
    head: HeadKind = param("linear", description="section 3.1")
    head_init: HeadInit = param("normal", description="code; small_normal for MoCo")
    head_weight_decay: float = param(
        0.0, ge=0, le=10, description="of the linear weight; paper: none; code: 1.0 (0.5 to 3.0)"
    )


SPACE: Mapping[str, Space] = {
    "prompt_length": Integers(1, 100, log=True),
    "depth": Choice(("shallow", "deep")),
    "strategy": Choice(("random", "kmeans", "mean", "max", "sample")),
    "level": Choice(("same", "first", "last")),
}

_RECIPE: Mapping[str, object] = {
    "optimizer": "adamw",
    "batch_size": 32,
    "epochs": 100,
    "warmup_epochs": 10,
}

PRESETS: Mapping[str, Mapping[str, object]] = {
    "paper": {**_RECIPE, "schedule": "cosine"},
    # learning rate and decays of the code's example with supervised weights
    "official": {
        **_RECIPE,
        "schedule": "spt_official",
        "lr": 1e-3,
        "weight_decay": 1e-2,
        "head_weight_decay": 3.0,
        "variant": "official",
        "pool": 0,
        "train_on": "train+val",
        "selection": "best_test",
    },
}

REQUIRES = frozenset({"input_tokens", "block_tokens"})

TASKS = ("source_task",)


def skip(params: Params, backbone: BackboneInfo) -> str | None:
    """A reason if the prompts do not fit, cannot be made, or leave nothing to train."""
    length, strategy = params.prompt_length, _strategy(params)
    if length > backbone.max_prompts:
        return f"prompt_length {length} is more than its {backbone.max_prompts}"
    if params.frozen and params.head != "linear":
        return f"frozen leaves nothing to train with head {params.head}"
    pooled = strategy in ("mean", "max")
    if pooled and params.variant == "official" and not 2 <= length <= backbone.patches + 1:
        most = backbone.patches + 1
        return f"prompt_length {length} divides by zero in variant official, 2 to {most} do not"
    if (pooled or strategy == "sample") and 0 < params.pool * backbone.patches < length:
        return f"pool {params.pool} has fewer tokens than prompt_length {length}"
    return head_refusal(params.head, backbone)


class Method(nn.Module):
    """The prompts of one block or all, and the head."""

    prompts: Tensor  # [1, p, D] or [L, p, D]

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
        self.backbone, self.params, self.seed = backbone, params, seed
        info = backbone.info
        bound = math.sqrt(6 / (3 * info.patch**2 + info.width))
        blocks = info.depth if params.depth == "deep" else 1
        prompts = torch.stack(
            [
                torch.rand(params.prompt_length, info.width, generator=generator(seed, "spt", b))
                for b in range(blocks)
            ]
        )
        prompts = bound * (2 * prompts - 1)
        if params.frozen:
            self.register_buffer("prompts", prompts)
        else:
            self.prompts = nn.Parameter(prompts)
        self.head = make_head(
            params.head,
            backbone=backbone,
            classes=classes,
            template=template,
            init=params.head_init,
            draw=generator(seed, "spt", "head"),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, K] of images [B, 3, H, W]."""
        before_norm = self.params.variant == "official" and self.params.level != "last"
        prompts = Prompts(
            tokens=self.prompts[0],
            place="after_cls",
            normed=not before_norm or self.params.strategy == "random",
            deeper=self.prompts[1:] if self.params.depth == "deep" else None,
        )
        logits: Tensor = self.head(self.backbone.encode_image(images, prompts))
        return logits

    def weight_decays(self) -> Mapping[str, float]:
        """The decay of the linear weight, which is not that of the prompts."""
        return (
            {"head.weight": self.params.head_weight_decay} if self.params.head == "linear" else {}
        )

    def construct(self, own: Examples, others: Mapping[str, Examples]) -> None:
        """Make the prompts of every block from the images of `own`, or of the source task.

        Raises:
            ValueError: the images have fewer tokens than there are prompts.
        """
        params, patches = self.params, self.backbone.info.patches
        strategy, length = _strategy(params), params.prompt_length
        if strategy == "random":
            return
        source = others.get("source_task", own)
        images = _images(params, len(source), self.seed)
        if len(images) * patches < length:
            raise ValueError(
                f"prompt_length {length} is more than the {len(images) * patches} tokens of "
                f"{len(images)} images; take more of them (fraction, pool) or fewer prompts"
            )
        at_a_time = max(CHUNK, math.ceil(length / patches))
        tokens = (self._tokens(source.read(part)) for part in torch.split(images, at_a_time))
        if strategy == "kmeans":
            states = [derive(self.seed, "spt", "kmeans", n) for n, _ in enumerate(self._levels())]
            draw = generator(self.seed, "spt", "shuffle")
            made = clustered(tokens, length, states, draw)
        else:
            ranges = [
                _ranges(params, len(images), patches, generator(self.seed, "spt", "tokens", level))
                for level in self._levels()
            ]
            made = pooled(tokens, ranges, maximum=strategy == "max")
        self.prompts.copy_(torch.stack(made))  # one set goes to every block

    def _levels(self) -> Sequence[int]:
        """The i of each E_i that prompts are made from, one set of prompts from each."""
        if self.params.level == "last":
            return [self.backbone.info.depth]
        return [0] if self.params.level == "first" else range(len(self.prompts))

    def _tokens(self, images: Tensor) -> list[Tensor]:
        """E_i [B N_e, D] of each level."""
        trace, _ = self.backbone.trace_image(images)
        info = self.backbone.info
        found = {level: trace.inputs[level][:, info.prefix :] for level in self._levels()}
        if self.params.variant == "official" and 0 in found:
            positions = self.backbone.image_weights["pos_embed"][..., -info.patches :, :]
            found[0] = self.backbone.embed_image(images)[:, info.prefix :] - positions
        return [tokens.flatten(0, 1) for tokens in found.values()]


def _strategy(params: Params) -> str:
    """The strategy that is followed: the public code has but one if shallow."""
    if params.strategy != "random" and params.variant == "official" and params.depth == "shallow":
        return "sample"
    return params.strategy


def _images(params: Params, count: int, seed: int) -> Tensor:
    """The indices [B] of the images that prompts are made from, out of `count`.

    A larger `fraction` or `pool` has the images of a smaller one, and further ones.
    """
    order = torch.randperm(count, generator=generator(seed, "spt", "images"))
    order = order[: max(1, round(params.fraction * count))]
    if _strategy(params) == "kmeans":
        return order
    size = params.pool or len(order)
    if params.variant == "paper":
        return order[:size]
    return order[torch.randint(len(order), (size,), generator=generator(seed, "spt", "again"))]


def _ranges(params: Params, images: int, patches: int, draw: torch.Generator) -> list[Range]:
    """Of which of the B N_e tokens each of the p prompts is made."""
    if _strategy(params) == "sample":
        return picks(params.prompt_length, images * patches, draw)
    if params.variant == "paper":
        return windows(params.prompt_length, images * patches)
    return image_windows(params.prompt_length, images, patches, draw)
