"""The section of a figure of kind analysis, from a store written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reports import query
from reports.analysis import analysis_blocks
from reports.document import Block, Bullets, Grid, Heading, Paragraph, Picture
from reports.entry import entries
from sweeper.spec.shown import Figure
from sweeper.tracking import analysed
from sweeper.tracking.history import recorded_trials
from sweeper.tracking.store import Store
from sweeper.tracking.writer import Writer
from tests.tracking import made

PLAN = made.ablation()
CELLS = {cell.roles[-1].label: cell for cell in PLAN.cells}  # 1, 4, PGN, 16, IIP, TP
NMI = {"labels": {"labels": 1.0, "prompts": 0.295}, "prompts": {"labels": 0.295, "prompts": 1.0}}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """IIP has finished without its first seed, PGN whole, TP not at all."""
    found = made.blank_store(tmp_path)
    with Writer(found, PLAN) as writer:
        for spec in (*CELLS["PGN"].trials, *CELLS["IIP"].trials[1:]):
            made.train(writer, spec)
    return found


def keep(store: Store, folder: Path, trial: str, results: Any, **said: Any) -> None:
    folder.mkdir(exist_ok=True)
    summary = {
        "split": "test", "limit": 500, "images": 70, "source": "PGN Fig. 2 and Table 10",
        "columns": {"nmi": "between 0 and 1"}, "pictures": ["cka", "cka-maps"],
    }  # fmt: skip
    (folder / "cka.json").write_text(json.dumps(summary | said | {"results": results}))
    for name in ("cka.svg", "cka.pdf", "cka.png", "cka-maps.png"):
        (folder / name).write_bytes(f"{name} of {trial}".encode())
    analysed.keep(store, recorded_trials(store)[trial], "cka", folder)


def blocks(store: Store, **what: Any) -> list[Block]:
    shown = {"id": "F/1", "title": "Similar?", "axis": "method", "kind": "analysis"}
    figure = Figure.model_validate({**shown, "analysis": "cka", **what})
    recording = query.load(store.uri, "ablation")
    return analysis_blocks(figure, recording, entries(recording))


def plain(text: Any) -> str:
    return "".join(span.text for span in text)


def of_kind(found: list[Block], kind: type) -> list[Any]:
    return [block for block in found if isinstance(block, kind)]


def table(grid: Grid) -> list[list[str]]:
    return [[plain(cell) for cell in row] for row in (grid.headers, *grid.rows)]


def test_what_is_not_there_is_said_with_the_command_that_makes_it(store: Store) -> None:
    found = blocks(store)
    assert found[0] == Heading(3, "Similar?")
    (bullets,) = of_kind(found, Bullets)
    second = CELLS["IIP"].trials[1].id
    assert [plain(item) for item in bullets.items] == [
        f"PGN, digits: not made yet: sweeper analyse {CELLS['PGN'].trials[0].id} cka",
        f"IIP, digits: not made yet: sweeper analyse {second} cka",
        "TP, digits: no seed has finished.",
    ]
    assert len(found) == 2


def test_pictures_are_those_of_the_first_seed_that_finished(store: Store, tmp_path: Path) -> None:
    second = CELLS["IIP"].trials[1].id
    keep(store, tmp_path / "one", second, {"same": 0.25})
    keep(store, tmp_path / "two", CELLS["IIP"].trials[2].id, {"same": 0.75})
    found = blocks(store, of=["IIP"])
    first, maps = of_kind(found, Picture)
    assert first.name == "analysis_F_1_IIP_digits_cka"
    assert first.files == {
        ending: f"cka.{ending} of {second}".encode() for ending in ("svg", "pdf", "png")
    }
    assert (maps.name, list(maps.files)) == ("analysis_F_1_IIP_digits_cka-maps", ["png"])
    (said,) = of_kind(found, Paragraph)
    assert plain(said.content) == "IIP, digits: seed 1, 70 images of test."
    assert (
        said.content[2].link
        == query.load(store.uri, "ablation").trials.set_index("trial")["link"][second]
    )
    (grid,) = of_kind(found, Grid)
    assert table(grid) == [["result", "IIP, digits"], ["same", "0.250"]]


def test_results_of_cells_stand_beside_each_other(store: Store, tmp_path: Path) -> None:
    keep(store, tmp_path / "made", CELLS["PGN"].trials[0].id, {"same_block": 0.5, "blocks": 1234})
    keep(store, tmp_path / "made", CELLS["IIP"].trials[1].id, {"same_block": 0.00002, "other": 3.0})
    (grid,) = of_kind(blocks(store), Grid)
    assert table(grid) == [
        ["result", "PGN, digits", "IIP, digits"],
        ["same block", "0.500", "2.0e-05"],
        ["blocks", "1,234", ""],
        ["other", "", "3.000"],
    ]
    assert grid.name == "analysis_F_1"
    assert [plain(note) for note in grid.notes] == ["After PGN Fig. 2 and Table 10."]


def test_what_has_rows_and_columns_is_a_matrix_beside_the_published_one(
    store: Store, tmp_path: Path
) -> None:
    results = {"clusters": 100, "normalised": False, "nmi": NMI, "names": ["x"]}
    keep(store, tmp_path / "made", CELLS["PGN"].trials[0].id, results)
    found = blocks(store, of=["PGN"], target="pgn/T3a")
    matrix, numbers, published = of_kind(found, Grid)
    assert table(matrix) == [
        ["", "labels", "prompts"],
        ["labels", "100.0", "29.5"],
        ["prompts", "29.5", "100.0"],
    ]
    assert matrix.caption == "PGN, digits: nmi, %"
    assert table(numbers) == [["result", "PGN, digits"], ["clusters", "100"]]
    assert ["8", "77.9", "70.6"] in table(published)
    assert "Table 3a" in published.caption


def test_results_by_block_are_rows_with_the_meaning_of_their_columns(
    store: Store, tmp_path: Path
) -> None:
    results = {"block 0": {"nmi": 0.1, "norm": 12.0}, "block 1": {"nmi": 0.2}}
    keep(store, tmp_path / "made", CELLS["PGN"].trials[0].id, results)
    (grid,) = of_kind(blocks(store, of=["PGN"]), Grid)
    assert table(grid) == [
        ["", "nmi", "norm"],
        ["block 0", "0.100", "12.000"],
        ["block 1", "0.200", ""],
    ]
    assert [plain(note) for note in grid.notes] == ["nmi: between 0 and 1."]


def test_why_it_cannot_be_made_is_said(store: Store) -> None:
    trial = recorded_trials(store)[CELLS["IIP"].trials[1].id]
    analysed.refuse(store, trial, "cka", "there are no prompts")
    (bullets,) = of_kind(blocks(store, of=["IIP"]), Bullets)
    assert plain(bullets.items[0]) == "IIP, digits: cannot be made: there are no prompts."


def test_a_skipped_cell_says_so(store: Store) -> None:
    recording = query.load(store.uri, "ablation")
    cell = CELLS["IIP"].model_copy(update={"skip": "too many prompts", "trials": ()})
    found = {cell.id: entries(recording)[cell.id]}
    object.__setattr__(found[cell.id], "cell", cell)
    figure = Figure(id="F", title="F", axis="method", kind="analysis", analysis="cka")
    (bullets,) = of_kind(analysis_blocks(figure, recording, found), Bullets)
    assert plain(bullets.items[0]) == "IIP, digits: skipped: too many prompts."
