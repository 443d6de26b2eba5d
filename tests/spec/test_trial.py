"""Identities: what they depend on, and that they stay what they were."""

from __future__ import annotations

from typing import Any

from sweeper.spec.plan import Cell, Plan, Search
from sweeper.spec.trial import Protocol, Recipe, TrialSpec


def trial(**changes: Any) -> TrialSpec:
    fields: dict[str, Any] = {
        "method": "pgn",
        "params": {"prompt_length": 4},
        "backbone": "embedded",
        "weights": "w1",
        "task": "digits",
        "data": "d1",
        "recipe": Recipe(epochs=3),
        "protocol": Protocol(),
        "seed": 1,
    }
    return TrialSpec(**fields | changes)


def test_ids_are_those_of_trials_on_record() -> None:
    """Computed before there was the field `others`. Another id trains everything again."""
    assert trial().id == "7e7f42473d7ae434"
    assert trial().cell_id == "12bc040eec211a4e"


def test_a_plan_without_other_tasks_is_written_as_it_always_was() -> None:
    cell = Cell(id="c", config={}, trials=(trial(),))
    search = Search(base={}, space={})
    plan = Plan(sweep="s", profile="", seeds=(1,), cells=(cell,), search=search)
    assert "others" not in plan.model_dump_json()


def test_other_tasks_are_part_of_the_ids_and_of_what_is_written() -> None:
    spec = trial(others={"source": "d2"})
    assert spec.id != trial().id
    assert spec.cell_id not in (trial().cell_id, trial(others={"source": "d3"}).cell_id)
    assert spec.cell_id == trial(others={"source": "d2"}, seed=2).cell_id
    assert TrialSpec.model_validate_json(spec.model_dump_json()) == spec
