from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from sweeper import discovery
from sweeper.backbones.clip import ClipBackbone
from sweeper.method import Examples, generator

LP: Any = discovery.find("lp", Path())
CLASSES = tuple(f"class {k}" for k in range(7))


def build(backbone: ClipBackbone, **params: Any) -> Any:
    settings = LP.params(**params)
    return LP.module(backbone=backbone, classes=CLASSES, template="{}", params=settings, seed=0)


def task(images: int, labels: list[int]) -> tuple[Tensor, Tensor]:
    """Images [N, 3, 32, 32] of noise in a colour for each label, and labels [N]."""
    draw = generator(0, "test", "lp")
    colours = torch.randn(len(CLASSES), 3, 1, 1, generator=draw)
    found = torch.tensor(labels).repeat(images // len(labels) + 1)[:images]
    return colours[found] + torch.randn(images, 3, 32, 32, generator=draw), found


def solved(backbone: ClipBackbone, images: Tensor, labels: Tensor, **params: Any) -> Any:
    module = build(backbone, solver="logistic", **params).eval()
    with torch.no_grad():
        module.construct(Examples(lambda index: images[index], labels), {})
    return module


def test_count_is_classes_times_features_and_a_bias(backbone: ClipBackbone) -> None:
    assert sum(p.numel() for p in build(backbone).parameters()) == 7 * (24 + 1)


@pytest.mark.parametrize(
    ("features", "parameters", "printed"),
    [(512, 496_584, "0.50"), (768, 744_392, "0.74")],  # PGN Table 5 prints 0.75
)
def test_formula_gives_the_sums_over_twelve_data_sets_and_none_is_the_printed_one(
    features: int, parameters: int, printed: str
) -> None:
    assert 968 * (features + 1) == parameters
    assert f"{parameters / 1e6:.2f}" == printed


def test_logits_are_an_affine_map_of_the_raw_features(backbone: ClipBackbone) -> None:
    module, images = build(backbone), torch.randn(3, 3, 32, 32)
    features = backbone.encode_image(images)
    with torch.no_grad():
        for image in range(3):
            for k in range(7):
                expected = features[image] @ module.weight[k] + module.bias[k]
                assert torch.allclose(module(images)[image, k], expected, atol=1e-5)


def test_heads_start_as_their_sources_say(backbone: ClipBackbone) -> None:
    normal = build(backbone)
    weight = torch.empty(7, 24)
    draw = generator(0, "lp", "weight")
    torch.nn.init.trunc_normal_(weight, std=0.02, a=-0.04, b=0.04, generator=draw)
    assert torch.equal(normal.weight, weight)
    assert normal.bias.count_nonzero() == 0
    assert normal.weight.abs().max().item() <= 0.04
    assert normal.weight.std().item() == pytest.approx(0.02 * 0.88, rel=0.15)
    kaiming = build(backbone, head_init="kaiming")
    assert torch.allclose(kaiming.bias, torch.tensor(-math.log(99)))
    assert kaiming.weight.std().item() == pytest.approx(math.sqrt(2 / 7), rel=0.15)
    small = build(backbone, head_init="small_normal")
    assert torch.allclose(2 * small.weight, normal.weight)


@pytest.mark.parametrize("inverse_penalty", [0.316, 0.01])
def test_logistic_ends_where_the_gradient_of_the_penalised_loss_is_zero(
    backbone: ClipBackbone, inverse_penalty: float
) -> None:
    images, labels = task(60, [*range(7)])
    module = solved(backbone, images, labels, inverse_penalty=inverse_penalty)
    features = backbone.encode_image(images).double()

    def gradient(weight: Tensor, bias: Tensor) -> float:
        weight = weight.detach().double().requires_grad_()
        bias = bias.detach().double().requires_grad_()
        losses = F.cross_entropy(features @ weight.T + bias, labels, reduction="sum")
        loss = losses + weight.square().sum() / (2 * inverse_penalty)
        return max(g.abs().max().item() for g in torch.autograd.grad(loss, (weight, bias)))

    start = gradient(torch.zeros(7, 24), torch.zeros(7))
    assert gradient(module.weight, module.bias) < 1e-3 * start


def test_logistic_leaves_nothing_to_train_and_is_the_same_each_time(
    backbone: ClipBackbone,
) -> None:
    images, labels = task(30, [*range(7)])
    module = solved(backbone, images, labels)
    assert not any(p.requires_grad for p in module.parameters())
    again = solved(backbone, images, labels, head_init="kaiming")
    assert torch.equal(module.weight, again.weight)
    assert torch.equal(module.bias, again.bias)
    assert (module(images).argmax(1) == labels).float().mean().item() > 0.5


def test_logistic_reads_every_image_once_in_batches(backbone: ClipBackbone) -> None:
    images, labels = task(520, [0, 1, 2])
    read: list[Tensor] = []

    def note(index: Tensor) -> Tensor:
        read.append(index)
        return images[index]

    module = build(backbone, solver="logistic")
    with torch.no_grad():
        module.construct(Examples(note, labels), {})
    assert [len(index) for index in read] == [500, 20]
    assert torch.equal(torch.cat(read), torch.arange(520))


def test_a_class_without_images_is_never_predicted_and_others_are_as_without_it(
    backbone: ClipBackbone,
) -> None:
    images, labels = task(40, [5, 1, 3])
    module = solved(backbone, images, labels)
    logits = module(torch.cat((images, torch.randn(200, 3, 32, 32))))
    assert set(logits.argmax(1).tolist()) == {1, 3, 5}
    assert logits.isfinite().all()
    assert logits.softmax(1)[:, [0, 2, 4, 6]].max().item() == 0
    assert (logits[:40].argmax(1) == labels).float().mean().item() > 0.5
    few: Any = LP.module(
        backbone=backbone,
        classes=CLASSES[:3],
        template="{}",
        params=LP.params(solver="logistic"),
        seed=0,
    )
    with torch.no_grad():
        few.construct(Examples(lambda index: images[index], labels // 2), {})
    assert torch.equal(few.weight, module.weight[[1, 3, 5]])


def test_two_classes_have_the_probabilities_of_the_solvers_one_row(backbone: ClipBackbone) -> None:
    from sklearn.linear_model import LogisticRegression

    images, labels = task(30, [6, 2])
    module = solved(backbone, images, labels)
    features = backbone.encode_image(images).double().numpy()
    found = LogisticRegression(C=0.316, max_iter=1000).fit(features, labels.numpy())
    expected = torch.from_numpy(found.predict_proba(features)).float()
    assert list(found.classes_) == [2, 6]
    assert torch.allclose(module(images).softmax(1)[:, [2, 6]], expected, atol=1e-4)


def test_one_class_is_always_predicted(backbone: ClipBackbone) -> None:
    images, labels = task(5, [4])
    assert set(solved(backbone, images, labels)(images).argmax(1).tolist()) == {4}


def test_recipe_reads_nothing_and_stays_as_it_starts(backbone: ClipBackbone) -> None:
    def refuse(_: Tensor) -> Tensor:
        raise AssertionError("it read images")

    module, start = build(backbone), build(backbone)
    module.construct(Examples(refuse, torch.zeros(3, dtype=torch.int64)), {})
    assert torch.equal(module.weight, start.weight)
    assert all(p.requires_grad for p in module.parameters())
