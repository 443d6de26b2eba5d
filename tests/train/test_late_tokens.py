"""Tokens that enter the first block with prompts: computed once, where there is room for them."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sweeper import discovery
from sweeper.backbones import image_tower
from sweeper.backbones.block import run_block
from sweeper.records import TrialResult
from sweeper.spec.trial import Protocol, TrialSpec
from sweeper.tasks.task import Split, Task, TaskInfo
from sweeper.train import features as features_module
from sweeper.train.features import Features, free_memory
from sweeper.train.memory import Memory, memory_of_trial
from sweeper.train.trial import build, run_trial
from tests.small_vit import small_vit

from . import tiny

VPT = discovery.find("vpt", Path())
CPU = torch.device("cpu")
TRAIN, VAL, TEST, EPOCHS = 20, 6, 7, 3
IMAGE = 4 * (1 + 16) * 48  # bytes of its tokens


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "features"


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many images went through each block."""
    found: Counter[str] = Counter()

    def watched(block: Any, tokens: Tensor, **ways: Any) -> Tensor:
        found[block._prefix] += len(tokens)
        return run_block(block, tokens, **ways)

    monkeypatch.setattr(image_tower, "run_block", watched)
    return found


def task() -> Task:
    info = TaskInfo("noise", "noise-1", "for tests", ("red", "green", "blue"), "a {}", {})

    def split(count: int) -> Split:
        draw = torch.Generator().manual_seed(count)
        images = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, generator=draw)
        return Split(images, torch.arange(count) % 3)

    return Task(info, split(TRAIN), split(VAL), split(TEST))


def spec(recipe: dict[str, Any] | None = None, **params: Any) -> TrialSpec:
    info = small_vit().info
    return TrialSpec(
        method="vpt",
        params=VPT.params(**{"first_block": 2, "dropout": 0.1, **params}).model_dump(),
        backbone=info.name,
        weights=info.weights,
        task="noise",
        data="noise-1",
        recipe=tiny.recipe(epochs=EPOCHS, **(recipe or {})),
        protocol=Protocol(),
        seed=0,
    )


def finish(trial: TrialSpec, **own: Any) -> TrialResult:
    steps = run_trial(
        trial,
        plugin=VPT,
        backbone=small_vit(),
        task=task(),
        device=CPU,
        canvas=task(),
        **own,
    )
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


STEPS = EPOCHS * (TRAIN + VAL) + VAL + TEST  # images through a block in a whole trial


def test_blocks_below_see_each_image_once_and_in_a_second_trial_none(seen: Counter[str]) -> None:
    first = finish(spec())
    once = TRAIN + VAL + TEST
    assert seen == {"blocks.0.": once, "blocks.1.": once, "blocks.2.": STEPS}
    seen.clear()
    second = finish(spec())
    assert seen == {"blocks.2.": STEPS}
    assert (first.test, first.val) == (second.test, second.val)


@pytest.mark.parametrize("depth", ["shallow", "deep"])
def test_the_outcome_is_that_of_the_plain_way(seen: Counter[str], depth: str) -> None:
    kept = finish(spec(depth=depth, first_block=1))
    seen.clear()
    plain = finish(spec(depth=depth, first_block=1), shortcuts=False)
    assert seen["blocks.0."] == STEPS
    assert kept.test is not None
    assert plain.test is not None
    assert kept.test.acc == plain.test.acc
    assert kept.test.loss == pytest.approx(plain.test.loss, rel=1e-4)


def test_tokens_of_two_blocks_are_kept_apart(seen: Counter[str]) -> None:
    finish(spec(first_block=1))
    seen.clear()
    finish(spec(first_block=2))
    assert seen["blocks.1."] == TRAIN + VAL + TEST


def test_prompts_at_the_input_and_changing_images_keep_nothing(
    seen: Counter[str], folder: Path
) -> None:
    finish(spec(first_block=0))
    assert seen["blocks.0."] == STEPS
    finish(spec({"augmentation": "flip"}))
    assert seen["blocks.0."] == 2 * STEPS
    assert not folder.exists()


def test_without_room_in_memory_the_plain_way_is_taken(
    seen: Counter[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features_module, "free_memory", lambda: 2 * IMAGE * TEST)
    finish(spec())
    assert seen["blocks.0."] == EPOCHS * TRAIN + VAL + TEST
    assert len(list(folder.glob("*/values.bin"))) == 2  # of val and test, which are smaller


def test_without_room_on_disk_the_plain_way_is_taken_unless_they_are_there(
    seen: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    free = shutil.disk_usage("/")._replace(free=2 * IMAGE * TRAIN - 1)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: free)
        finish(spec())
    assert seen["blocks.0."] == EPOCHS * TRAIN + VAL + TEST
    finish(spec())
    seen.clear()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    finish(spec())
    assert seen["blocks.0."] == 0


def estimate(trial: TrialSpec) -> Memory:
    return memory_of_trial(trial, plugin=VPT, backbone=small_vit(), task=task(), device=CPU)


def test_the_estimate_of_memory_counts_tokens_where_they_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert estimate(spec()).data == IMAGE * (TRAIN + VAL)
    assert estimate(spec(first_block=0)).data == 3 * 32 * 32 * (TRAIN + VAL)
    assert estimate(spec({"augmentation": "flip"})).data == 3 * 32 * 32 * (TRAIN + VAL)
    monkeypatch.setattr(features_module, "free_memory", lambda: 2 * IMAGE * TRAIN - 1)
    assert estimate(spec()).data == 3 * 32 * 32 * (TRAIN + VAL)


def test_tokens_of_one_image_are_as_many_bytes_as_is_said() -> None:
    backbone = small_vit()
    method = build(spec(), VPT, backbone, task())
    found = Features.of(VPT, method, backbone, tiny.recipe())
    assert found.encode is not None
    assert found.encode(torch.zeros(1, 3, 32, 32)).nbytes == found.each == IMAGE
    assert found.key is None


def test_free_memory_is_some_and_not_more_than_there_is() -> None:
    psutil = pytest.importorskip("psutil")
    assert 0.5 < free_memory() / psutil.virtual_memory().available < 2
