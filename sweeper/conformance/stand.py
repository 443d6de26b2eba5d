"""What the checks share: a module on a backbone, a batch of images, a few steps of training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.backbones.backbone import Backbone
from sweeper.errors import InputError, Problem
from sweeper.method import Constructs, Examples, MethodParams, Plugin
from sweeper.method_file import ends
from sweeper.seeds import generator

CLASSES = ("red square", "green_circle", "Blue Star", "stripes", "dots")
TEMPLATE = "a photo of a {}"
STEPS = 12  # of AdamW on one small batch, enough for any loss to fall


def require(condition: bool, plugin: Plugin, got: str, expected: str) -> None:
    """Raise InputError with the broken promise unless `condition` holds."""
    if not condition:
        raise InputError(Problem(f"method file {plugin.source}", got, expected))


def build(
    plugin: Plugin, backbone: Backbone, params: MethodParams | None = None, seed: int = 0
) -> nn.Module:
    """The module, constructed from the images of `batch` where it constructs."""
    module = plugin.module(
        backbone=backbone,
        classes=CLASSES,
        template=TEMPLATE,
        params=params or plugin.params(),
        seed=seed,
    )
    if isinstance(module, Constructs):
        with torch.no_grad():
            module.eval().construct(examples(backbone), {})
        module.train()
    return module


def variants(plugin: Plugin) -> Iterator[tuple[str, MethodParams]]:
    """The defaults, and each end or choice of the search space with the rest at its default."""
    yield "defaults", plugin.params()
    for name, space in plugin.space.items():
        for value in ends(space):
            yield f"{name}={value}", plugin.params(**{name: value})


def above_least(plugin: Plugin) -> Iterator[tuple[str, MethodParams]]:
    """Each whole number one above its lower bound, with the rest at its default."""
    for name, schema in plugin.params.model_json_schema().get("properties", {}).items():
        if schema.get("type") == "integer" and "minimum" in schema:
            value = min(schema["minimum"] + 1, schema.get("maximum", schema["minimum"] + 1))
            yield f"{name}={value}", plugin.params(**{name: value})


def examples(backbone: Backbone) -> Examples:
    """The images of `batch` as a training split."""
    images, labels = batch(backbone)
    return Examples(read=lambda index: images[index], labels=labels)


def text_of(backbone: Backbone) -> Tensor:
    """The text classifier; empty for a backbone that has none."""
    if "text" not in backbone.info.ways:
        return torch.empty(0)
    return backbone.classifier(CLASSES, TEMPLATE)


def logits_of(module: nn.Module, plugin: Plugin, images: Tensor, label: str = "defaults") -> Tensor:
    """Logits [B, K] of `images`, which stay as they are."""
    before = images.clone()
    logits: Tensor = module(images)
    kept = torch.equal(images, before)
    require(kept, plugin, f"{label}: forward changed its images", "untouched images")
    shape, wanted = tuple(logits.shape), (len(images), len(CLASSES))
    require(shape == wanted, plugin, f"{label}: logits are {shape}", f"{wanted}, [B, K]")
    return logits


def batch(backbone: Backbone, images: int = 10) -> tuple[Tensor, Tensor]:
    """Images [B, 3, H, W] that differ by class in colour and noise, and labels [B]."""
    size = backbone.info.preprocessing.size
    draw = generator(0, "conformance", "images")
    labels = torch.arange(images) % len(CLASSES)
    colours = torch.randn(len(CLASSES), 3, 1, 1, generator=draw)
    return colours[labels] + torch.randn(images, 3, size, size, generator=draw), labels


def copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copies, by name."""
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Whether both hold the same names and the same bits."""
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def train(module: nn.Module, backbone: Backbone, steps: int = STEPS) -> tuple[float, float]:
    """Train on one batch; the loss (nats) before the first and after the last step."""
    images, labels = batch(backbone)
    trainable = [p for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=0.01, weight_decay=0)
    module.train()
    losses = []
    for _ in range(steps + 1):
        loss = F.cross_entropy(module(images).float(), labels)
        losses.append(loss.item())
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return losses[0], losses[-1]
