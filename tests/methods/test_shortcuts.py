"""What the frozen forward leaves out changes no logit and no gradient of any method."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper import discovery
from sweeper.backbones.backbone import Backbone
from sweeper.backbones.shortcuts import ALL, PLAIN, Shortcuts
from sweeper.conformance.stand import CLASSES, TEMPLATE, batch, variants
from sweeper.method import Constructs, EntersLate, Examples, MethodParams, Plugin
from tests.small_clip import small_clip
from tests.small_vit import small_vit

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4}  # of the largest value
POOLINGS = ("cls", "mean", "patches")


@cache
def backbone(kind: str, dtype: torch.dtype, shortcuts: Shortcuts) -> Backbone:
    """`clip`, or a ViT by its pooling."""
    found: Any = (
        small_clip(shortcuts=shortcuts) if kind == "clip" else small_vit(kind, shortcuts=shortcuts)  # type: ignore[arg-type]
    )
    found._model.to(dtype)
    return found  # type: ignore[no-any-return]


def pass_through(
    plugin: Plugin,
    params: MethodParams,
    kind: str,
    dtype: torch.dtype,
    shortcuts: Shortcuts,
    entered: bool = False,
) -> dict[str, Tensor]:
    """Logits of a training batch, and the gradient of each trainable parameter, by name.

    `entered`: from tokens that were kept.
    """
    frozen = backbone(kind, dtype, shortcuts)
    images, labels = batch(frozen, images=7)
    images = images.to(dtype)
    module: nn.Module = plugin.module(
        backbone=frozen, classes=CLASSES, template=TEMPLATE, params=params, seed=0
    ).to(dtype)
    if isinstance(module, Constructs):
        own = Examples(read=lambda index: images[index], labels=labels)
        with torch.no_grad():
            module.eval().construct(own, {})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module.train()
        if entered:
            assert isinstance(module, EntersLate)
            with torch.no_grad():
                kept = frozen.enter(images, module.reads_block)
            logits = module.classify(kept)
        else:
            logits = module(images)
    trainable = {name: p for name, p in module.named_parameters() if p.requires_grad}
    found = {"logits": logits.detach()}
    if trainable:
        torch.autograd.backward(F.cross_entropy(logits, labels))
        found |= {name: p.grad for name, p in trainable.items() if p.grad is not None}
        assert len(found) == 1 + len(trainable)
    return found


def agree(
    plugin: Plugin, params: MethodParams, kind: str, dtype: torch.dtype, entered: bool = False
) -> None:
    """With all shortcuts, also from kept tokens, and with none."""
    fast = pass_through(plugin, params, kind, dtype, ALL, entered)
    slow = pass_through(plugin, params, kind, dtype, PLAIN)
    assert fast.keys() == slow.keys()
    for name, expected in slow.items():
        error = (fast[name] - expected).abs().max() / expected.abs().max().clamp(min=1e-3)
        assert error.item() < TOLERANCE[dtype], f"{name} with {params}"


def cases(plugin: Plugin, kind: str, *, every: bool) -> list[MethodParams]:
    """The parameters that the backbone carries: defaults, and the ends of the search space; with
    another head where that needs a text tower.
    """
    info = backbone(kind, torch.float64, ALL).info
    found = [params for _, params in variants(plugin)][: None if every else 1]
    if "head" in plugin.params.model_fields and kind != "clip":
        found = [plugin.params(**{**vars(params), "head": "mapped"}) for params in found]
    return [params for params in found if plugin.skip(params, info) is None]


@pytest.mark.parametrize("name", discovery.names())
def test_logits_and_gradients_on_a_clip_are_those_of_the_plain_way(name: str) -> None:
    plugin = discovery.find(name, Path())
    for dtype in TOLERANCE:
        found = cases(plugin, "clip", every=dtype is torch.float64)
        assert found
        for params in found:
            agree(plugin, params, "clip", dtype)


@pytest.mark.parametrize("name", discovery.names())
def test_logits_and_gradients_on_a_vit_are_those_of_the_plain_way(name: str) -> None:
    plugin = discovery.find(name, Path())
    for pooling in POOLINGS:
        for dtype in TOLERANCE:
            found = cases(plugin, pooling, every=dtype is torch.float64 and pooling == "cls")
            assert found or plugin.requires & {"text", "text_tokens"}
            for params in found:
                agree(plugin, params, pooling, dtype)


@pytest.mark.parametrize("kind", ["clip", *POOLINGS])
@pytest.mark.parametrize("depth", ["shallow", "deep"])
@pytest.mark.parametrize("block", [1, 2])
def test_from_kept_tokens_logits_and_gradients_are_those_of_the_plain_way(
    kind: str, depth: str, block: int
) -> None:
    plugin = discovery.find("vpt", Path())
    head = "text" if kind == "clip" else "linear"
    params = plugin.params(first_block=block, depth=depth, head=head, dropout=0.1, project=8)
    for dtype in TOLERANCE:
        agree(plugin, params, kind, dtype, entered=True)
