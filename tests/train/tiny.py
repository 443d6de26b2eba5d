"""A frozen backbone, four methods and a task that train in milliseconds."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sweeper.backbones.backbone import BackboneInfo, Preprocessing
from sweeper.method import MethodParams, Plugin, generator, keyed
from sweeper.spec.trial import Protocol, Recipe, TrialSpec
from sweeper.tasks.task import Split, Task, TaskInfo

PREPROCESSING = Preprocessing(8, (0.5, 0.4, 0.3), (0.2, 0.25, 0.3), "bilinear", "squash")
CLASSES = ("red", "green", "blue")
WIDTH, EMBED = 12, 6


class TinyBackbone:
    """Four patches, one round of fixed mixing; counts its passes over images."""

    info = BackboneInfo(
        name="tiny",
        weights="tiny-1",
        description="for tests",
        width=WIDTH,
        depth=1,
        heads=1,
        patch=4,
        patches=4,
        embed_dim=EMBED,
        max_prompts=64,
        parameters=0,
        preprocessing=PREPROCESSING,
        ways=frozenset({"input_tokens", "text"}),
    )
    logit_scale = 20.0

    def __init__(self) -> None:
        draw = generator(0, "tiny")
        self.patch = torch.randn(48, WIDTH, generator=draw) / 7
        self.project = torch.randn(WIDTH, EMBED, generator=draw) / 3
        self.text = torch.randn(len(CLASSES), EMBED, generator=draw)
        self.images_seen = 0

    def tensors(self) -> dict[str, Tensor]:
        return {"patch": self.patch, "project": self.project, "text": self.text}

    def encode_image(self, images: Tensor, prompts: Tensor | None = None) -> Tensor:
        self.images_seen += len(images)
        cut = images.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5)
        tokens = cut.reshape(len(images), 4, 48) @ self.patch
        if prompts is not None:
            tokens = torch.cat([tokens, prompts.expand(len(images), -1, -1)], dim=1)
        mixed = torch.softmax(tokens @ tokens.mean(1, keepdim=True).mT, dim=1) * tokens
        return torch.tanh(mixed.sum(1)) @ self.project

    def classifier(self, classes: Sequence[str], template: str) -> Tensor:  # noqa: ARG002
        return nn.functional.normalize(self.text[: len(classes)], dim=1)


class Params(MethodParams):
    length: int = 2


class Parts(nn.Module):
    def __init__(
        self,
        *,
        backbone: TinyBackbone,
        classes: tuple[str, ...],
        template: str,
        params: Params,
        seed: int,
    ) -> None:
        super().__init__()
        self._backbone = [backbone]
        self.register_buffer("text", backbone.classifier(classes, template))
        self.build(params, len(classes), seed)

    def build(self, params: Params, classes: int, seed: int) -> None:
        """Nothing to build."""

    def score(self, features: Tensor) -> Tensor:
        return 20.0 * nn.functional.normalize(features, dim=1) @ self.text.T


class ZeroShot(Parts):
    def forward(self, images: Tensor) -> Tensor:
        return self.score(self._backbone[0].encode_image(images))


class Prompts(Parts):
    def build(self, params: Params, classes: int, seed: int) -> None:  # noqa: ARG002
        draw = torch.randn(params.length, WIDTH, generator=generator(seed, "prompts"))
        self.prompts = nn.Parameter(0.1 * draw)

    def forward(self, images: Tensor) -> Tensor:
        return self.score(self._backbone[0].encode_image(images, self.prompts))


class Probe(Parts):
    def build(self, params: Params, classes: int, seed: int) -> None:  # noqa: ARG002
        with keyed(seed, "head"):
            self.head = nn.Linear(EMBED, classes)

    def features(self, images: Tensor) -> Tensor:
        return self._backbone[0].encode_image(images)

    def classify(self, features: Tensor) -> Tensor:
        return self.head(features)

    def forward(self, images: Tensor) -> Tensor:
        return self.classify(self.features(images))


class Generator(Parts):
    """As PGN: a small trunk with BatchNorm makes the prompts; dropout besides."""

    def build(self, params: Params, classes: int, seed: int) -> None:  # noqa: ARG002
        with keyed(seed, "trunk"):
            self.trunk = nn.Sequential(
                nn.Conv2d(3, 5, 3, stride=2), nn.BatchNorm2d(5), nn.ReLU(), nn.Flatten(),
                nn.Dropout(0.2), nn.Linear(45, params.length * WIDTH),
            )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        prompts = self.trunk(images).view(len(images), -1, WIDTH)
        return self.score(self._backbone[0].encode_image(images, prompts))


def plugin(module: type[nn.Module], *, trains: bool = True) -> Plugin:
    return Plugin(
        name=module.__name__.lower(),
        identity=module.__name__.lower(),
        summary="for tests",
        source="tests",
        params=Params,
        space={},
        presets={},
        requires=frozenset(),
        module=module,
        trains=trains,
        tasks=(),
        skip_rule=lambda params, backbone: None,  # noqa: ARG005
    )


def split(name: str, count: int) -> Split:
    """Images whose brightest channel is their label, under strong noise."""
    draw = generator(0, name)
    labels = torch.arange(count) % len(CLASSES)
    images = torch.randint(0, 160, (count, 3, 8, 8), generator=draw)
    images[torch.arange(count), labels] += 60
    return Split(images.to(torch.uint8), labels)


def task() -> Task:
    info = TaskInfo("colours", "colours-1", "for tests", CLASSES, "a {}", {})
    return Task(info, split("train", 37), split("val", 12), split("test", 18))


def method(module: type[nn.Module], *, seed: int = 0, length: int = 2) -> nn.Module:
    return module(
        backbone=TinyBackbone(),
        classes=CLASSES,
        template="a {}",
        params=Params(length=length),
        seed=seed,
    )


def recipe(**changes: object) -> Recipe:
    return Recipe(**{"epochs": 4, "batch_size": 8, "lr": 0.05, **changes})


def spec(module: type[nn.Module], *, seed: int = 0, **changes: object) -> TrialSpec:
    return TrialSpec(
        method=module.__name__.lower(),
        params={"length": 2},
        backbone="tiny",
        weights="tiny-1",
        task="colours",
        data="colours-1",
        recipe=recipe(**changes),
        protocol=Protocol(),
        seed=seed,
    )
