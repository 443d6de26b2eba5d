"""Features of the frozen tower: computed once a node, and never anything but the tower's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sweeper.backbones.backbone import Backbone
from sweeper.spec.trial import Protocol
from sweeper.tasks.task import Split, Task
from sweeper.train.features import NEVER, ONCE, Features, tower_key
from sweeper.train.inputs import prepare
from sweeper.train.trial import run_trial
from tests.small_vit import small_vit

from . import tiny

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path))
    return tmp_path / "features"


class Countable(tiny.TinyBackbone):
    def tensors(self) -> dict[str, Tensor]:
        return {"patch": self.patch, "project": self.project}


class Lying(tiny.Probe):
    """Says that it reads the tower, and reads twice that."""

    def features(self, images: Tensor) -> Tensor:
        return 2 * super().features(images)


def finish(module: type[nn.Module], word: str, task: Task | None = None, **own: Any) -> Any:
    """The result of a trial, and how many images its backbone was shown."""
    backbone = Countable()
    steps = run_trial(
        tiny.spec(module),
        plugin=replace(tiny.plugin(module), features=word),
        backbone=backbone,
        task=task or tiny.task(),
        device=CPU,
        **own,
    )
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, backbone.images_seen


def test_a_second_trial_reads_no_image_and_ends_the_same() -> None:
    first, seen = finish(tiny.Probe, "tower")
    assert seen == 37 + 12 + 18
    second, seen = finish(tiny.Probe, "tower")
    assert seen == 0
    assert (second.test, second.val) == (first.test, first.val)
    alone, seen = finish(tiny.Probe, "own")
    assert seen == 37 + 12 + 12 + 18
    assert (alone.test, alone.val) == (first.test, first.val)


def test_without_shortcuts_every_step_reads_its_images_and_the_outcome_is_the_same() -> None:
    fast, _ = finish(tiny.Probe, "tower")
    plain, seen = finish(tiny.Probe, "tower", shortcuts=False)
    assert seen == 4 * (37 + 12) + 12 + 18
    assert plain.test.acc == fast.test.acc
    assert plain.test.loss == pytest.approx(fast.test.loss, rel=1e-5)


def test_features_of_a_method_of_its_own_are_never_kept(folder: Path) -> None:
    for _ in range(2):
        assert finish(Lying, "own")[1] == 37 + 12 + 12 + 18
    assert not folder.exists()


def test_a_method_that_says_what_is_not_so_spoils_nothing_for_the_others() -> None:
    finish(Lying, "tower")
    honest, seen = finish(tiny.Probe, "tower")
    assert seen == 0
    assert honest.test == finish(tiny.Probe, "own")[0].test


def test_a_subset_of_the_images_has_features_of_its_own() -> None:
    finish(tiny.Probe, "tower")
    whole = tiny.task()
    few = replace(whole, train=Split(whole.train.images[:9], whole.train.labels[:9]))
    assert finish(tiny.Probe, "tower", few)[1] == 9
    assert finish(tiny.Probe, "tower", few)[1] == 0


def test_damaged_features_are_computed_anew(folder: Path) -> None:
    first, _ = finish(tiny.Probe, "tower")
    for file in folder.glob("*/values.bin"):
        file.write_bytes(file.read_bytes()[:-1])
    again, seen = finish(tiny.Probe, "tower")
    assert seen == 37 + 12 + 18
    assert again.test == first.test


def test_where_nothing_can_be_written_the_trial_goes_on_with_a_warning(folder: Path) -> None:
    folder.write_text("a file in the way")
    with pytest.warns(UserWarning, match="features are not kept"):
        found, _ = finish(tiny.Probe, "tower")
    folder.unlink()
    assert found.test == finish(tiny.Probe, "tower")[0].test


def other_weights(backbone: Any) -> None:
    backbone._model.blocks[1].mlp.fc1.bias[3] += 1e-6


def other_info(**changes: Any) -> Any:
    return lambda backbone: setattr(backbone, "info", replace(backbone.info, **changes))


CHANGES = {
    "a weight": other_weights,
    "the name": other_info(name="another"),
    "the pooling": other_info(pooling="mean"),
    "the mean": other_info(preprocessing=replace(tiny.PREPROCESSING, mean=(0.1, 0.2, 0.3))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_key_changes_with_the_backbone(change: str) -> None:
    backbone: Backbone = small_vit()
    other: Any = small_vit()
    assert tower_key(backbone, Protocol(), CPU) == tower_key(small_vit(), Protocol(), CPU)
    CHANGES[change](other)
    assert tower_key(backbone, Protocol(), CPU) != tower_key(other, Protocol(), CPU)


@pytest.mark.parametrize(
    ("words", "same"),
    [
        ({"precision": "bf16"}, False),
        ({"final_norm": "none"}, False),
        ({"activation": "gelu"}, False),
        ({"pooling": "mean"}, False),
        ({"normalisation": "clip"}, False),
        ({"selection": "best_val"}, True),
        ({"shots": 4}, True),
        ({"template": "a {}"}, True),
    ],
)
def test_the_key_changes_with_what_moves_features_and_with_nothing_else(
    words: dict[str, Any], same: bool
) -> None:
    backbone = small_vit()
    keys = [tower_key(backbone, protocol, CPU) for protocol in (Protocol(), Protocol(**words))]
    assert (keys[0] == keys[1]) is same


def test_threads_move_the_last_bits_and_so_the_key() -> None:
    backbone = small_vit()
    before = tower_key(backbone, Protocol(), CPU)
    torch.set_num_threads(torch.get_num_threads() + 1)
    assert tower_key(backbone, Protocol(), CPU) != before


def test_kept_features_are_the_bits_of_those_computed_and_train_a_head() -> None:
    method, split = tiny.method(tiny.Probe), tiny.task().train
    backbone = Countable()
    kept = Features(encode=backbone.encode_image, key={"a": "b"})
    look = {"preprocessing": tiny.PREPROCESSING, "device": CPU, "precision": "fp32"}
    for _ in range(2):
        inputs = prepare(method, split, features=kept, **look)  # type: ignore[arg-type]
        logits, _ = inputs.batch(torch.tensor([3, 0, 36]))
        torch.autograd.backward(logits.sum())
    once = prepare(method, split, features=ONCE, **look)  # type: ignore[arg-type]
    assert torch.equal(inputs.values, once.values)
    assert backbone.images_seen == 37
    never = prepare(method, split, features=NEVER, **look)  # type: ignore[arg-type]
    assert never.values.dtype == torch.uint8
    assert torch.equal(never.batch(slice(0, 37))[0], once.batch(slice(0, 37))[0])
