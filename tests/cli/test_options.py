"""The shared options are read as they are documented."""

from __future__ import annotations

import pytest

from sweeper.cli.options import parse_seeds, parse_settings
from sweeper.errors import InputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, None), ("3", [0, 1, 2]), ("3,", [3]), ("0,1,1", [0, 1]), ("5, 7", [5, 7])],
)
def test_seeds_are_a_count_or_a_list(text: str | None, expected: list[int] | None) -> None:
    assert parse_seeds(text) == expected


@pytest.mark.parametrize("text", ["0", "-1", "many", "1,x", ""])
def test_other_seeds_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="--seeds"):
        parse_seeds(text)


def test_settings_split_at_the_first_equals_sign() -> None:
    assert parse_settings(["a=1", "b=x=y"]) == {"a": "1", "b": "x=y"}
