"""What an analysis is made of: the task as the trial was given it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sweeper.backbones.backbone import Preprocessing
from sweeper.cli import analyse
from sweeper.errors import InputError
from sweeper.spec.trial import Protocol, Recipe, TrialSpec
from sweeper.tasks import catalog
from sweeper.tracking import history

SIZED = Preprocessing(32, (0.5,) * 3, (0.5,) * 3, "bilinear", "squash")


def recorded(data: str, **protocol: Any) -> Any:
    spec = TrialSpec(
        method="tp", params={}, backbone="embedded", weights="", task="digits", data=data,
        recipe=Recipe(), protocol=Protocol(**protocol), seed=0,
    )  # fmt: skip
    return SimpleNamespace(spec=spec, used_by=set(), first_plan="", sweep="sweep")


def test_the_task_has_the_images_and_the_template_of_the_trial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(history, "launches", lambda *_: [])
    backbone: Any = SimpleNamespace(info=SimpleNamespace(preprocessing=SIZED))
    store: Any = None
    found = recorded(catalog.DRAWING, shots=2, template="a scan of a {}.")
    task = analyse._task(store, found, backbone)
    assert task.info.template == "a scan of a {}."
    assert (len(task.train), len(task.val), len(task.test)) == (20, 20, 600)
    with pytest.raises(InputError, match="as then"):
        analyse._task(store, recorded("older"), backbone)
