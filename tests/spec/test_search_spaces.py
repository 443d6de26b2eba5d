"""Every sweep file that is shipped, under every profile that it has, with what is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.published import published
from sweeper.catalog import Installed, Supplied
from sweeper.spec.document import read
from sweeper.spec.load import load
from sweeper.spec.node import Mistakes
from sweeper.spec.plan import Cell, Plan
from sweeper.spec.shown import Table

SPACES = Path(__file__).parents[2] / "search_spaces"
EDITORS = ("# yaml-language-server: $schema=./sweep.schema.json", "# $schema: ./sweep.schema.json")


def _profiles() -> list[tuple[str, str | None]]:
    found: list[tuple[str, str | None]] = []
    for path in sorted(SPACES.rglob("*.y*ml")):
        node = read(path, Mistakes())
        assert node is not None
        profiles = node.items["profiles"].items if "profiles" in node.items else {}
        found += [(path.name, name) for name in profiles] or [(path.name, None)]
    return found


SHIPPED = _profiles()


def test_there_are_shipped_sweeps_with_profiles() -> None:
    assert {name for name, _ in SHIPPED} >= {"pgn_ablation.yaml", "pgn_search.yaml", "smoke.yaml"}
    assert {profile for name, profile in SHIPPED if name == "pgn_ablation.yaml"} == {
        "demo",
        "embedded",
        "paper",
    }


@pytest.mark.parametrize("name", sorted({name for name, _ in SHIPPED}))
def test_the_header_says_what_to_expect(name: str) -> None:
    text = (SPACES / name).read_text(encoding="utf-8")
    assert tuple(text.splitlines()[:2]) == EDITORS
    assert [
        word for word in ("Purpose", "Command", "Cost", "Expect") if f"# {word}: " not in text
    ] == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "profile"), SHIPPED)
def test_it_loads(name: str, profile: str | None) -> None:
    """Public data that is not on this machine is the only thing that may be missing, and only of
    the paper's own setting.
    """
    papers = (profile or "").startswith(("paper", "inaturalist"))
    catalog = Supplied() if papers else Installed()
    plan = load(SPACES / name, catalog, profile=profile)
    assert plan.trials() or plan.search


def _rows(plan: Plan, axis: str) -> dict[str, Cell]:
    return {role.label: cell for cell in plan.cells for role in cell.roles if role.axis == axis}


@pytest.mark.slow
def test_the_demo_takes_three_values_of_every_axis_and_the_rest_every_row() -> None:
    catalog = Installed()
    demo = load(SPACES / "pgn_ablation.yaml", catalog, profile="demo")
    for axis in ("prompt_length", "library_size", "trunk", "method"):
        assert len(_rows(demo, axis)) >= 3
    whole = load(SPACES / "pgn_ablation.yaml", catalog, profile="embedded")
    assert list(_rows(whole, "method")) == ["PGN", "IIP", "TP", "LP"]
    roles = [role for cell in whole.cells for role in cell.roles if role.axis == "trunk"]
    published = {"IIP", "MLP", "ResNet10@64", "ResNet10@224", "ResNet18@224"}
    assert {role.target_row or role.label for role in roles} == published
    assert demo.seeds == (0, 1, 2)
    assert len(demo.trials()) < len(whole.trials())


def _published_rows(plan: Plan, table: Table) -> set[str]:
    """The rows of the published table that those of ours are matched with."""
    return {
        " / ".join([*(cell.over[factor] for factor in table.rows), role.target_row or role.label])
        for cell in plan.cells
        for role in cell.roles
        if role.axis == table.axis
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("pgn_ablation.yaml", {"T3a", "T3b", "T3c"}),
        ("pgn_methods.yaml", {"T1"}),
        ("pgn_direct.yaml", {"T2", "T2params"}),
        ("pgn_backbones.yaml", {"T4"}),
        ("pgn_datasets.yaml", {"T5", "T5params"}),
        ("pgn_projection.yaml", {"T11"}),
    ],
)
def test_every_row_of_a_table_of_pgn_has_one_of_ours(name: str, tables: set[str]) -> None:
    plan = load(SPACES / name, Supplied(), profile="paper")
    shown = {table.id: table for table in plan.tables if table.id in tables}
    assert set(shown) == tables
    for table in shown.values():
        paper, target = published(table.target)
        assert target == table.id
        assert set(paper.tables[target].rows) <= _published_rows(plan, table)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "profile"), [each for each in SHIPPED if "pgn_" in each[0]])
def test_a_target_of_pgn_is_published_and_a_demo_has_the_same_tables_as_the_paper(
    name: str, profile: str | None
) -> None:
    plan = load(SPACES / name, Supplied(), profile=profile)
    whole = load(SPACES / name, Supplied(), profile="paper")
    for shown in (*plan.tables, *plan.curves, *plan.figures):
        assert not shown.target or published(shown.target)
    for section in ("tables", "curves", "figures"):
        ids = [(each.id, each.target) for each in getattr(plan, section)]
        assert ids == [(each.id, each.target) for each in getattr(whole, section)]
