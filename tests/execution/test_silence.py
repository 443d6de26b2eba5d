"""A trial that says nothing for too long loses its worker; one that has none is not silent."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ray.tune.experiment import Trial

from sweeper.execution import silence as module
from sweeper.execution.silence import Silence


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(module.ray, "kill", found.append)
    return found


def tune(name: str, status: str = Trial.RUNNING) -> SimpleNamespace:
    state = SimpleNamespace(ray_actor=f"actor of {name}")
    return SimpleNamespace(trial_id=name, status=status, temporary_state=state)


def test_a_silent_trial_loses_its_worker_once(killed: list[str]) -> None:
    clock = Clock()
    silence = Silence(60, clock)
    quiet, talking = tune("quiet"), tune("talking")
    silence.heard(quiet)
    silence.heard(talking)
    clock.now = 59
    silence.heard(talking)
    silence.end([quiet, talking])
    assert killed == []
    clock.now = 60
    silence.end([quiet, talking])
    silence.end([quiet, talking])
    assert killed == ["actor of quiet"]
    assert not silence.took(talking)
    assert silence.took(quiet)
    assert not silence.took(quiet), "the next loss of its worker is another one"


def test_who_waits_for_resources_or_was_paused_or_has_ended_is_not_silent(
    killed: list[str],
) -> None:
    clock = Clock()
    silence = Silence(60, clock)
    waiting, paused, ended = tune("waiting"), tune("paused", Trial.PAUSED), tune("ended")
    silence.heard(paused)
    silence.heard(ended)
    silence.left(ended)
    clock.now = 1000
    silence.end([waiting, paused, ended])
    assert killed == []


def test_a_new_attempt_begins_a_new_silence(killed: list[str]) -> None:
    clock = Clock()
    silence = Silence(60, clock)
    trial = tune("trial")
    for _ in range(3):
        silence.heard(trial)
        clock.now += 61
        silence.end([trial])
        assert silence.took(trial)
    assert killed == ["actor of trial"] * 3
