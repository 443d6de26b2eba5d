"""Published values beside ours, and alone where nothing is comparable."""

from __future__ import annotations

from reports.document import Grid
from reports.entry import entries
from reports.table import table_blocks
from sweeper.spec.shown import Table
from tests.reports import hand
from tests.tracking import made

T3A = Table(id="T3a", title="Prompts", axis="prompt_length", target="pgn/T3a")
NOISE = (0.0, 0.002, -0.002)


def grids(plan, score):
    """Name -> grid."""
    recording = hand.recording(plan, score)
    found = table_blocks(T3A, recording, entries(recording))
    return {block.name: block for block in found if isinstance(block, Grid)}


def test_a_published_value_stands_beside_ours_with_difference_and_verdict():
    plan = hand.plan([hand.comparable("8"), hand.comparable("16"), hand.comparable("4", lr=0.3)])
    mean = {"8": 0.78, "16": 0.70, "4": 0.778}
    score = lambda cell, spec: mean[cell.roles[0].label] + NOISE[spec.seed]  # noqa: E731
    found = grids(plan, score)
    grid = found["table_T3a_published"]
    assert hand.headers(grid)[2:] == ["ours", "published", "ours - published", "verdict"]
    assert [*hand.lines(grid)] == ["4", "8", "16"], "by number"
    assert hand.lines(grid)["8"] == ["cifar100", "78.0", "77.9", "+0.1", "reproduced"]
    assert hand.lines(grid)["16"] == ["cifar100", "70.0", "78.3", "-8.3", "not reproduced"]
    assert hand.lines(grid)["4"] == ["cifar100", "77.8", "77.8", "—", "not comparable¹"]
    assert "¹ other settings (lr)." in hand.notes([grid])
    assert any(note.startswith("Published: PGN, Table 3a") for note in hand.notes([grid]))
    printed = found["table_T3a_printed"]
    assert hand.headers(printed) == ["prompt_length", "SUN397"], "which none of ours is of"


def test_where_nothing_is_comparable_the_published_table_stands_there_for_its_shape():
    plan = hand.plan([made.cell(hand.role("8", "prompt_length"), prompt_length=8)])
    found = grids(plan, 0.5)
    printed = found["table_T3a_printed"]
    assert hand.lines(printed) == {"8": ["77.9", "70.6"]}
    (why,) = [note for note in hand.notes([printed]) if note.startswith("Not comparable")]
    assert why.startswith("Not comparable in value (another backbone; other data;")
    assert "table_T3a_published" not in found
