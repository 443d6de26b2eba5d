"""What a report is asked to show is read from a file as it is from a stored plan."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from sweeper.spec.shown import Figure, Table

AXIS = {"id": "T1", "title": "Methods", "axis": "method"}


def test_labels_are_a_list_where_they_are_written_and_where_they_are_stored() -> None:
    written = {**AXIS, "rows": ["backbone"], "averages": {"all": [], "some": ["digits"]}}
    table = Table.model_validate(written, strict=True)  # as the loader reads a sweep file
    assert (table.rows, table.averages) == (("backbone",), {"all": (), "some": ("digits",)})
    assert Table.model_validate_json(table.model_dump_json()) == table
    figure = Figure.model_validate({**AXIS, "kind": "bars", "of": ["CoOp"]}, strict=True)
    assert figure.of == ("CoOp",)


@pytest.mark.parametrize("rows", ["backbone", [1], [["backbone"]]])
def test_labels_are_texts_in_a_list(rows: object) -> None:
    with pytest.raises(ValidationError):
        Table.model_validate({**AXIS, "rows": rows}, strict=True)


@pytest.mark.parametrize("shown", [Table, Figure])
def test_what_is_not_asked_for_is_not_written_so_that_digests_of_recorded_plans_stay(
    shown: type[Table] | type[Figure],
) -> None:
    kind = {"kind": "bars"} if shown is Figure else {}
    written = shown.model_validate({**AXIS, **kind}).model_dump()
    assert written == {**AXIS, **kind, "target": ""}
