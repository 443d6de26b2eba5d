"""The table of faults is whole, and README has it as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.faults import RETRIES, RULES, Fault, Incident, rules_table

README = Path(__file__).parents[1] / "README.md"


def test_every_fault_has_its_row_in_the_order_of_the_table() -> None:
    assert list(RULES) == list(Fault)
    rows = rules_table().splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == [f"| {fault}" for fault in Fault]
    assert {row.count(" | ") for row in rows} == {3}, "a cell breaks the table"


def test_readme_has_the_table_as_it_is() -> None:
    _, _, rest = README.read_text(encoding="utf-8").partition("<!-- faults: sweeper/faults.py -->")
    printed, end, _ = rest.partition("<!-- /faults -->")
    assert end, "README has lost its markers"
    assert printed.strip() == rules_table(), (
        "print sweeper.faults.rules_table() between the markers"
    )
    assert RETRIES == 3, "README says that a fourth failure is the last"


@pytest.mark.parametrize("fault", Fault)
def test_an_incident_is_one_line_that_reads_back(fault: Fault) -> None:
    incident = Incident(fault, 1_700_000_000_123, "0123456789abcdef", 'it said "no"\nand left')
    assert "\n" not in incident.to_json()
    assert Incident.from_json(incident.to_json()) == incident
