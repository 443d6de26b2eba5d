"""The hints of errors."""

from sweeper.errors import MOST, nearest

MANY = [f"openclip/ViT-B-{number}@laion400m_e{number}" for number in range(MOST + 1)]


def test_a_name_with_a_slip_is_put_right() -> None:
    assert nearest("openclip/ViT-B-7@laion40m_e7", MANY) == f"Did you mean '{MANY[7]}'?"


def test_short_lists_are_shown_whole_and_long_ones_never() -> None:
    assert nearest("zzz", ["b", "a"]) == "Known: a, b"
    assert nearest("zzz", MANY) == ""
    assert nearest("zzz", []) == nearest("", MANY) == ""


def test_of_many_names_those_that_hold_the_given_one_are_shown() -> None:
    assert nearest("_e7", MANY) == f"With it in their names: {MANY[7]}"
    assert nearest("B-", MANY).count("openclip") == MOST
