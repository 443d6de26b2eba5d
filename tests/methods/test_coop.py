from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from open_clip.tokenizer import tokenize
from torch import Tensor
from torch.nn import functional as F

from sweeper import discovery
from sweeper.backbones.clip import ClipBackbone
from sweeper.errors import InputError
from tests.small_clip import CONFIG, small_clip, small_model

COOP: Any = discovery.find("coop", Path())
# the stop of the last one becomes a token with its bracket: it stays with the name
CLASSES = ("Red", "dark_green", "crane (bird)")
POSITIONS = pytest.mark.parametrize("position", ["end", "middle", "front"])


def build(backbone: ClipBackbone, classes: tuple[str, ...] = CLASSES, **params: Any) -> Any:
    settings = COOP.params(**params)
    return COOP.module(backbone=backbone, classes=classes, template="", params=settings, seed=0)


def ids(text: str) -> Tensor:
    """Tokens [T] of a text, with start and end."""
    row: Tensor = tokenize([text], context_length=40)[0]
    return row[: int(row.argmax()) + 1]


def reference(model: Any, name: str, context: Tensor, position: str) -> Tensor:
    """The unit text feature [E] of one class by the library's modules, all 40 places."""
    name = name.replace("_", " ")
    whole, length = model.token_embedding(ids(f"{name}.")), len(ids(name)) - 2
    start, words, rest = whole[:1], whole[1 : 1 + length], whole[1 + length :]
    half = len(context) // 2
    parts = {
        "end": [start, context, words, rest],
        "middle": [start, context[:half], words, context[half:], rest],
        "front": [start, words, context, rest],
    }[position]
    x = torch.cat(parts)
    end = len(x) - 1
    x = torch.cat((x, model.token_embedding(torch.zeros(40 - len(x), dtype=torch.long))))
    x = model.transformer((x + model.positional_embedding)[None], attn_mask=model.attn_mask)
    return F.normalize(model.ln_final(x)[0, end] @ model.text_projection, dim=-1)


@POSITIONS
@pytest.mark.parametrize("class_specific", [False, True])
def test_logits_are_those_of_one_class_at_a_time_through_the_library(
    backbone: ClipBackbone, position: str, class_specific: bool
) -> None:
    module = build(backbone, context_length=5, position=position, class_specific=class_specific)
    model, images = small_model().eval(), torch.randn(4, 3, 32, 32)
    with torch.no_grad():
        module.ctx.normal_()
        contexts = module.ctx if class_specific else [module.ctx] * 3
        text = [reference(model, *pair, position) for pair in zip(CLASSES, contexts, strict=True)]
        features = model.encode_image(images, normalize=True)
        expected = model.logit_scale.exp() * features @ torch.stack(text).T
        assert torch.allclose(module(images), expected, atol=1e-4)


def test_each_class_has_its_own_context_where_it_is_class_specific(backbone: ClipBackbone) -> None:
    images = torch.randn(2, 3, 32, 32)
    for class_specific, same in ((True, [False, True, True]), (False, [False] * 3)):
        module = build(backbone, context_length=4, class_specific=class_specific)
        with torch.no_grad():
            before = module(images)
            (module.ctx[0] if class_specific else module.ctx).add_(1)
            after = module(images)
        assert [torch.equal(before[:, k], after[:, k]) for k in range(3)] == same


@pytest.mark.parametrize("class_specific", [False, True])
def test_the_phrase_starts_as_the_zero_shot_classifier(
    backbone: ClipBackbone, class_specific: bool
) -> None:
    module = build(backbone, context_length=4, init="phrase", class_specific=class_specific)
    images = torch.randn(2, 3, 32, 32)
    text = backbone.classifier(CLASSES, "a photo of a {}.")
    with torch.no_grad():
        features = F.normalize(backbone.encode_image(images), dim=-1)
        assert torch.allclose(module(images), backbone.logit_scale * features @ text.T, atol=1e-4)


@pytest.fixture(scope="module")
def wide() -> ClipBackbone:
    """Text tower of the width of ViT-B/32's."""
    return small_clip({**CONFIG, "text_cfg": {**CONFIG["text_cfg"], "width": 512, "layers": 1}})


@pytest.mark.parametrize(
    ("length", "class_specific", "count"),
    [(16, False, 8_192), (4, False, 2_048), (16, True, 3 * 8_192), (4, True, 3 * 2_048)],
)
def test_count_at_width_512_is_length_times_width_for_each_context(
    wide: ClipBackbone, length: int, class_specific: bool, count: int
) -> None:
    module = build(wide, context_length=length, class_specific=class_specific)
    assert sum(p.numel() for p in module.parameters()) == count


@pytest.mark.parametrize("class_specific", [False, True])
def test_context_starts_with_a_standard_deviation_of_002(
    wide: ClipBackbone, class_specific: bool
) -> None:
    ctx = build(wide, class_specific=class_specific).ctx
    assert ctx.std().item() == pytest.approx(0.02, rel=0.05)
    assert abs(ctx.mean().item()) < 0.001


def test_presets_are_those_of_paper_and_code() -> None:
    paper = {
        "context_length": 16,
        "optimizer": "sgd",
        "lr": 0.002,
        "batch_size": 32,
        "epochs": 200,
        "schedule": "coop_official",
    }
    official = {**paper, "momentum": 0.9, "weight_decay": 0.0005, "augmentation": "coop"}
    assert COOP.presets["paper"] == paper
    assert COOP.presets["official"] == official
    assert COOP.presets["upt"] == {**official, "context_length": 4}


@POSITIONS
def test_a_context_with_room_for_one_token_runs_and_a_longer_one_is_refused(
    backbone: ClipBackbone, position: str
) -> None:
    assert COOP.skip(COOP.params(context_length=36), backbone.info) is None
    module = build(backbone, ("red", "blue"), context_length=36, position=position)
    assert module(torch.randn(1, 3, 32, 32)).shape == (1, 2)
    assert "context_length 37" in (COOP.skip(COOP.params(context_length=37), backbone.info) or "")


def test_names_too_long_for_the_context_are_told(backbone: ClipBackbone) -> None:
    with pytest.raises(InputError, match=r"dark green\.'.*at most 40 tokens"):
        build(backbone, ("red", "dark_green"), context_length=36)


def test_the_phrase_is_refused_where_it_does_not_fill_the_context(backbone: ClipBackbone) -> None:
    assert COOP.skip(COOP.params(init="phrase", context_length=4), backbone.info) is None
    reason = COOP.skip(COOP.params(init="phrase", context_length=16), backbone.info)
    assert "init phrase has 4 tokens, context_length is 16" in (reason or "")
