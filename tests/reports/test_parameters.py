"""The counts of `parameters.yaml` are those of the modules, and say which printed ones come out."""

from __future__ import annotations

import pytest

from reports.parameters import Count, read_counts
from sweeper import discovery
from sweeper.cli.parameters import count_of

ROWS, SUITES = read_counts()


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=[f"{n}-{row.method}" for n, row in enumerate(ROWS)])
def test_counted_is_what_the_module_trains(row: Count) -> None:
    found = count_of(row, SUITES.get(row.classes or "", [2]))
    assert found == pytest.approx(row.counted, abs=0.5)


def test_every_built_in_method_is_counted() -> None:
    assert {row.method for row in ROWS} == set(discovery.names())


def test_what_does_not_come_out_says_why_and_the_rest_says_nothing_of_the_kind() -> None:
    wrong = {(row.method, row.printed) for row in ROWS if row.comes_out is False}
    assert wrong == {
        ("lp", "0.75M"),
        ("ft", "1032M"),
        ("vp", "0.94M"),
        ("pgn", "0.3M"),
        ("pgn", "3.2M"),
        ("pgn", "5M"),
        ("pgn", "12.4M"),  # of the text's 8 prompts
        ("vpt", "0.25M"),
        ("spt", "0.25M"),
        ("e2vpt", "0.56M"),
        ("lora", "0.32M"),
    }
    assert all(row.note for row in ROWS if row.comes_out is False)
    assert all(row.source for row in ROWS if row.printed)


@pytest.mark.parametrize(
    ("counted", "sets", "printed", "comes_out"),
    [
        (1_032_304, 12, "12.4M", True),
        (1_032_304, 4, "5M", False),
        (257_207, 1, "0.25M", False),
        (180_407, 1, "0.18M", True),
        (7, 1, None, None),
    ],
)
def test_a_printed_number_is_compared_at_its_own_precision(
    counted: float, sets: int, printed: str | None, comes_out: bool | None
) -> None:
    row = Count(
        method="x", backbone="y", sets=sets, formula="", counted=counted, printed=printed, source=""
    )
    assert row.comes_out is comes_out
