"""Which analyses a report shows, of which trials."""

from __future__ import annotations

from typing import Any

from sweeper.analysis.study import ANALYSES as MADE
from sweeper.spec.analyses import analyses
from sweeper.spec.measure import ANALYSES
from sweeper.spec.plan import Plan
from sweeper.spec.shown import Curve, Figure, Table
from tests.tracking import made

WITHIN = "analysis/variance/within"
FAR = "analysis/distance/frechet"


def asked(plan: Plan, finished: Any = None) -> dict[str, set[str]]:
    """Label and seed of each trial -> its analyses."""
    everything = {trial.id for trial in plan.trials()}
    found = analyses(plan, everything if finished is None else finished)
    names = {
        trial.id: f"{cell.roles[0].label}-{trial.seed}"
        for cell in plan.cells
        for trial in cell.trials
    }
    return {names[key]: value for key, value in found.items()}


def shown(**what: Any) -> Plan:
    empty: dict[str, Any] = {"tables": (), "curves": (), "figures": ()}
    return made.ablation().model_copy(update=empty | what)


def figure(**what: Any) -> Figure:
    return Figure.model_validate({"id": "F", "title": "F", "axis": "method"} | what)


def test_a_plan_that_shows_accuracies_asks_for_nothing() -> None:
    assert asked(made.ablation()) == {}


def test_a_table_asks_for_every_seed_along_its_axis() -> None:
    plan = shown(tables=(Table(id="T", title="T", axis="method", measure=WITHIN),))
    one = {"variance"}
    expected = {f"{cell}-{seed}": one for cell in ("8", "IIP") for seed in (0, 1, 2)}
    assert asked(plan) == {**expected, "TP-0": one}


def test_a_curve_asks_along_its_own_axis() -> None:
    plan = shown(curves=(Curve(id="C", title="C", axis="prompt_length", measure=FAR),))
    assert asked(plan) == {
        f"{length}-{seed}": {"distance"} for length in (1, 4, 8, 16) for seed in (0, 1, 2)
    }


def test_a_scatter_asks_x_of_one_label_and_its_measure_of_the_compared_ones() -> None:
    settings = {"against": "TP", "x": WITHIN, "x_of": "TP", "measure": FAR, "of": ("PGN",)}
    found = asked(shown(figures=(figure(kind="scatter", **settings),)))
    assert found == {
        "8-0": {"distance"},
        "8-1": {"distance"},
        "8-2": {"distance"},
        "TP-0": {"variance", "distance"},
    }


def test_a_figure_of_an_analysis_asks_for_the_first_seed_that_finished() -> None:
    plan = shown(figures=(figure(kind="analysis", analysis="cka", of=("IIP",)),))
    assert asked(plan) == {"IIP-0": {"cka"}}
    iip = next(cell for cell in plan.cells if cell.roles[0].label == "IIP")
    assert asked(plan, {iip.trials[2].id}) == {"IIP-2": {"cka"}}


def test_analyses_of_one_trial_come_together() -> None:
    table = Table(id="T", title="T", axis="method", measure=WITHIN)
    drawn = figure(kind="analysis", analysis="cka")
    found = asked(shown(tables=(table,), figures=(drawn,)))
    assert found["IIP-0"] == {"variance", "cka"}
    assert found["IIP-1"] == {"variance"}


def test_what_can_be_asked_for_is_what_can_be_made() -> None:
    assert sorted(ANALYSES) == sorted(MADE)
