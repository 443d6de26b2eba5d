"""The sweep files of the visual prompting paper, against what the paper prints."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reports.published import obstacles, published
from sweeper.catalog import Supplied
from sweeper.spec.load import load
from sweeper.spec.plan import Cell, Plan
from sweeper.spec.shown import Table
from tests.spec.test_search_spaces import SPACES

NAMES = sorted(path.name for path in SPACES.glob("vp_*.yaml"))
CATALOG = Supplied()
WHOLE = [  # file, its table, how many rows of the published one have no row here
    ("vp_clip.yaml", "T1", 0),
    ("vp_wilds.yaml", "T2", 0),
    ("vp_backbones.yaml", "T4", 0),
    ("vp_wilds_backbones.yaml", "T5", 0),
    ("vp_distance.yaml", "T1", 2),  # neither LP nor FT
    ("vp_architectures.yaml", "F9_networks", 0),
    ("vp_mapping.yaml", "S6.3", 0),
]

pytestmark = pytest.mark.slow


def plan_of(name: str, profile: str = "paper") -> Plan:
    return load(SPACES / name, CATALOG, profile=profile)


def placed(plan: Plan, table: Table) -> Iterator[tuple[str, Cell]]:
    """Each cell of a table with the published row that it is matched with."""
    for cell in plan.cells:
        for role in cell.roles:
            if role.axis == table.axis:
                outer = [cell.over[factor] for factor in table.rows]
                yield " / ".join([*outer, role.target_row or role.label]), cell


@pytest.mark.parametrize(("name", "table", "less"), WHOLE)
def test_the_paper_profile_has_every_printed_row_and_column(
    name: str, table: str, less: int
) -> None:
    plan = plan_of(name)
    (shown,) = [each for each in plan.tables if each.id == table]
    paper, target = published(shown.target)
    cells = list(placed(plan, shown))
    assert len({*paper.tables[target].rows} - {row for row, _ in cells}) == less
    trained = {cell.config["task"] for _, cell in cells}
    assert trained == {paper.task_of(target, column) for column in paper.columns_of(target)} - {""}


@pytest.mark.parametrize(("name", "table", "less"), WHOLE)
def test_the_paper_profile_is_the_setting_that_the_paper_states(
    name: str, table: str, less: int
) -> None:
    plan = plan_of(name)
    (shown,) = [each for each in plan.tables if each.id == table]
    paper, target = published(shown.target)
    compared = 0
    for row, cell in placed(plan, shown):
        for column in paper.tables[target].rows.get(row, ()):
            if paper.task_of(target, column) == cell.config["task"]:
                assert obstacles(paper, target, column, cell.config, row) == []
                compared += 1
    printed = sum(
        bool(paper.task_of(target, column))
        for values in paper.tables[target].rows.values()
        for column in values
    )
    assert compared == printed - less * 12


@pytest.mark.parametrize("name", NAMES)
def test_the_demo_shows_the_same_tables_and_figures_from_few_trials(name: str) -> None:
    demo, whole = plan_of(name, "demo"), plan_of(name)
    for section in ("tables", "figures", "curves"):
        ids = [(each.id, each.target) for each in getattr(demo, section)]
        assert ids == [(each.id, each.target) for each in getattr(whole, section)]
    for shown in (*demo.tables, *demo.figures, *demo.curves):
        assert not shown.target or published(shown.target)
    assert len(demo.trials()) <= 36
    assert len(demo.seeds) in (2, 3)
    assert {axis for cell in demo.cells for axis in cell.over} == {
        axis for cell in whole.cells for axis in cell.over
    }
    assert whole.resources.gpus == 1


@pytest.mark.parametrize("name", ["vp_backbones.yaml", "vp_wilds_backbones.yaml"])
def test_what_cannot_be_trained_on_a_network_taken_whole_is_its_weights(name: str) -> None:
    cells = [(cell, role.label) for cell in plan_of(name).cells for role in cell.roles]
    assert cells
    for cell, label in cells:
        assert ("weights" in cell.skip) == (label == "FT" and cell.over["backbone"] != "CLIP")
        assert bool(cell.skip) == ("weights" in cell.skip)


def test_the_paper_s_sets_without_validation_are_trained_on_whole() -> None:
    for cell in plan_of("vp_clip.yaml").cells:
        if cell.config["method"] != "tp":
            whole = cell.config["task"] in ("cifar100", "cifar10", "svhn", "clevr_count")
            assert cell.config["train_on"] == ("train+val" if whole else "train")


def test_the_public_code_s_recipe_is_one_word_away() -> None:
    plan = load(SPACES / "vp_wilds.yaml", CATALOG, profile="paper", settings={"preset": "official"})
    prompts = [cell.config for cell in plan.cells if cell.config["method"] == "vp"]
    assert len(prompts) == 3
    for config in prompts:
        told = {name: config[name] for name in ("momentum", "schedule", "selection", "lr", "size")}
        assert told == {
            "momentum": 0.9,
            "schedule": "vp_official",
            "selection": "best_test",
            "lr": 40,
            "size": 30,
        }
