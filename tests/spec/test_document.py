"""YAML 1.2 as the papers' users write it, with the place of every value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sweeper.errors import Place
from sweeper.spec.document import parse, read
from sweeper.spec.node import Mistakes, Node, merge


def _read(text: str) -> tuple[Any, list[str]]:
    mistakes = Mistakes()
    node = parse(text, "x.yaml", Path(), mistakes)
    found = [str(problem) for problem in mistakes.found.values()]
    return (node.plain() if node is not None else None), found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("5e5", 500000.0),
        ("-1.5e+3", -1500.0),
        ("010", 10),
        ("0x1f", 31),
        ("1_000", 1000),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("'3'", "3"),
        ("!!str 3", "3"),
        ("2024-01-01", "2024-01-01"),
        ("1:30", "1:30"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    found, mistakes = _read(f"a: {text}")
    assert mistakes == []
    assert found == {"a": value}
    assert type(found["a"]) is type(value)


def test_every_duplicate_key_is_reported_with_both_places() -> None:
    _, mistakes = _read("a: 1\nb: {c: 1, c: 2}\na: 3\na: 4\n")
    assert mistakes == [
        "x.yaml:2:11: 'c' is written twice; expected each key once. "
        "The first is in line 2, column 5.",
        "x.yaml:3:1: 'a' is written twice; expected each key once. "
        "The first is in line 1, column 1.",
        "x.yaml:4:1: 'a' is written twice; expected each key once. "
        "The first is in line 1, column 1.",
    ]


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("a: [1", "x.yaml:1:6: not YAML: while parsing a flow sequence expected ',' or ']'"),
        ("a: b: c", "x.yaml:1:5: not YAML: mapping values are not allowed here"),
        ("a: 1\n\tb: 2", "x.yaml:2:1: not YAML:"),
        ("a: *x", "x.yaml:1:4: not YAML: found undefined alias 'x'"),
        ("a: 1\n---\nb: 2", "x.yaml:2:1: not YAML: expected a single document"),
        ("a: \x01", "x.yaml: not YAML: unacceptable character #x0001"),
        ("[" * 600, "x.yaml: not YAML: maximum recursion depth exceeded"),
    ],
)
def test_malformed_yaml_is_one_problem_with_its_place(text: str, start: str) -> None:
    found, mistakes = _read(text)
    assert found is None
    assert len(mistakes) == 1
    assert mistakes[0].startswith(start)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !!python/name:os.system x", "x.yaml:1:4: tag tag:yaml.org,2002:python/name:os.system"),
        ("a: !env HOME", "x.yaml:1:4: tag !env; expected plain YAML without tags"),
        ("!x {a: 1}", "x.yaml:1:1: tag !x"),
        ("a: .nan", "x.yaml:1:4: .nan; expected a finite number"),
        ("a: -.inf", "x.yaml:1:4: -.inf; expected a finite number"),
        ("? [1, 2]\n: 3", "x.yaml:1:3: a key that is not a name"),
        ("&a [*a]", "x.yaml: nested too deeply or too long"),
    ],
)
def test_what_is_not_plain_data_is_refused(text: str, message: str) -> None:
    _, mistakes = _read(text)
    assert len(mistakes) == 1
    assert mistakes[0].startswith(message)


def test_aliases_cannot_unfold_without_end() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    _, mistakes = _read("\n".join(lines))
    assert mistakes == [
        "x.yaml: nested too deeply or too long; expected at most 50 levels and 20000 values"
    ]


def test_anchors_and_merge_keys_are_read() -> None:
    found, mistakes = _read("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n")
    assert (found["d"], mistakes) == ({"b": 1, "c": 3}, [])


def test_a_merged_node_keeps_the_place_where_each_value_was_written() -> None:
    mistakes = Mistakes()
    low = parse("base:\n  lr: 1\n  epochs: 2\n", "low.yaml", Path("low"), mistakes)
    high = parse("base: {lr: 3}\n", "high.yaml", Path("high"), mistakes)
    assert low is not None
    assert high is not None
    base = merge(low, high).items["base"].items
    assert base["lr"].place == Place("high.yaml", 1, 12)
    assert base["lr"].folder == Path("high")
    assert base["epochs"].place == Place("low.yaml", 3, 11)
    assert base["epochs"].key == Place("low.yaml", 3, 3)


def test_lists_and_single_values_replace(tmp_path: Path) -> None:
    del tmp_path
    mistakes = Mistakes()
    nodes = [
        parse(text, "x", Path(), mistakes) for text in ("a: [1, 2]\nb: 1", "a: [3]\nb: {c: 1}")
    ]
    below, above = (node for node in nodes if isinstance(node, Node))
    assert merge(below, above).plain() == {"a": [3], "b": {"c": 1}}


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "pgn_ablation.yaml").write_text("a: 1")
    (tmp_path / "latin.yaml").write_bytes("a: \xe9".encode("latin-1"))
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    mistakes = Mistakes()
    for name in ("pgn_ablaton.yaml", "latin.yaml", "empty.yaml", "."):
        assert read(tmp_path / name, mistakes) is None
    texts = [str(problem).replace(str(tmp_path), "") for problem in mistakes.found.values()]
    assert texts[0] == (
        "/pgn_ablaton.yaml: there is no such file; expected a sweep file. "
        "Did you mean 'pgn_ablation.yaml'?"
    )
    assert "/latin.yaml: cannot be read ('utf-8' codec" in texts[1]
    assert texts[2].startswith("/empty.yaml:1:1: the file is empty")
    assert "Is a directory" in texts[3]
