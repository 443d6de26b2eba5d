"""Any bytes are a sweep file or an InputError, in bounded time; nothing in them is ever run."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.errors import InputError
from sweeper.spec.load import load
from tests.spec.shelf import Shelf

SOME = settings(max_examples=150, deadline=None, derandomize=True)
BASE = "base: {method: pgn, backbone: embedded, task: digits}\n"
PIECES = ["&a", "*a", "<<: ", "!!python/name:os.system ", "!x ", "[", "]", "{", "}", ": ", "- ",
          "'", '"', "|\n", ">\n", "#", "%YAML 1.1\n", "---\n", "...\n", "? ", "\t", "\n", "  ",
          "null", "true", "-1", "0", "1e400", ".nan", "-.inf", "9" * 400, "0x", "2024-01-01",
          "\\ud800", "\0", "\x85", "\u2028", "\ufeff", "../x", "/", "~", "pgn", "digits", "+",
          "base", "ablate", "over", "parameters", "seeds", "search", "report", "profiles", "values",
          "min", "max", "distribution", "label", "tables", "axis", "budget", "when", "exclude",
          "extends", "name", "metric", "1_0", "''", "a" * 300]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sweeps")


def said_of(folder: Path, content: bytes | str, profile: str | None = None) -> str:
    """Why the file is refused; empty where it is a sweep. Whatever else happens is a failure."""
    path = folder / "sweep.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        plan = load(path, Shelf(), profile=profile)
    except InputError as error:
        return str(error) or "an InputError that says nothing"
    plan.model_dump_json().encode()  # it can be recorded
    return ""


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system ['touch ran']",
        "!!python/object/new:subprocess.Popen [[touch, ran]]",
        "!!python/name:os.system",
        "!!python/module:antigravity",
        "!<tag:yaml.org,2002:python/object/apply:os.system> [touch ran]",
        "!!binary aGVsbG8=",
        "!!set {a, b}",
        "!!omap [a: 1]",
        "!include /etc/passwd",
        "!ENV ${HOME}",
    ],
)
def test_tags_are_refused_and_nothing_is_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.chdir(folder)
    for text in (f"{BASE}report:\n  note: {value}\n", f"{value}\n", f"{BASE}? {value}\n: 1\n"):
        assert "tag" in (said := said_of(folder, text)) or "a key that is not a name" in said
    assert not (folder / "ran").exists()


@pytest.mark.parametrize(
    "condition",
    ["__import__('os').system('touch ran')", "lambda: 1", "1 == 1", "{{ 7 * 7 }}", "${HOME}"],
)
def test_conditions_are_values_and_no_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch, condition: str
) -> None:
    monkeypatch.chdir(folder)
    start = f"{BASE}parameters: {{prompt_length: [1, 2]}}\n"
    assert said_of(folder, f'{start}when: {{prompt_length: {{method: "{condition}"}}}}\n') == ""
    assert "a condition" in said_of(folder, f'{start}when: {{prompt_length: "{condition}"}}\n')
    assert "a condition" in said_of(folder, f'{start}exclude: ["{condition}"]\n')
    assert not (folder / "ran").exists()


def _laughs(start: str, each: str, last: str) -> str:
    lines = [f"a0: &a0 {start}"]
    lines += [f"a{n}: &a{n} {each.format(f'*a{n - 1}')}" for n in range(1, 60)]
    return "\n".join([*lines, last])


BOMBS = {
    "laughs in lists": _laughs("[x]", "[{0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}]", BASE),
    "laughs in mappings": _laughs("{x: 1}", "{{a: {0}, b: {0}, c: {0}}}", BASE),
    "laughs in merges": _laughs("{x: 1}", "{{a: {0}, <<: {0}}}", "base: {<<: *a59}"),
    "itself": "base: &a {base: *a, x: [*a, *a]}\n<<: *a\n",
    "lists": "[" * 100_000,
    "mappings": "{a: " * 50_000,
    "keys": "? " * 100_000,
    "dashes": "- " * 100_000,
    "indents": "".join(f"{' ' * n}a:\n" for n in range(600)),
    "one long scalar": f"{BASE}report: {{note: {'x' * 250_000}}}\nx: 1",
    "one long key": f"{'k' * 250_000}: 1",
    "one long number": f"{BASE}seeds: {'9' * 200_000}",
    "many seeds": f"{BASE}seeds: {'9' * 4000}",
    "many aliases": f"x: &x y\nbase: [{'*x, ' * 60_000}]",
    "many anchors": "\n".join(f"a{n}: &a{n} 1" for n in range(15_000)),
    "many documents": "--- 1\n" * 40_000,
    "many mistakes": "\n".join(f"a{n}: !x 1" for n in range(15_000)),
    "many cells": f"{BASE}parameters: {{lr: {list(range(1, 19_000))}}}",
    "crossed": BASE + "over: {" + ", ".join(f"a{n}: [1, 2, 3]" for n in range(400)) + "}",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_end_in_an_error_soon(folder: Path, name: str) -> None:
    start = time.monotonic()
    said = said_of(folder, BOMBS[name])
    assert said
    assert len(said) < 10_000_000
    assert time.monotonic() - start < 120  # seconds, on a machine that is busy elsewhere


def test_a_file_of_100_mb_is_not_read(folder: Path) -> None:
    path = folder / "large.yaml"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
    start = time.monotonic()
    with pytest.raises(InputError, match="too long"):
        load(path, Shelf())
    assert time.monotonic() - start < 5


def test_what_never_ends_is_not_read_to_its_end() -> None:
    with pytest.raises(InputError, match="too long"):
        load(Path("/dev/zero"), Shelf())


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"\xff\xfe", b"\xff", b"base: \xc3(", BASE.encode("utf-16"), b"\xef\xbb\xbf",
     b"name: a\0b", b'name: "\\0"', b'name: "\\ud800"', b'"\\ud800": 1', b"- 1", b"3", b"~",
     b"base: .nan", b"base: {lr: .inf}", b"%YAML 9.9\n---\na: 1", b"%TAG ! !\n---\na: 1",
     b"base: {task: './a\\0b'}", b'base: {method: "./a\\0b.py"}'],
)  # fmt: skip
def test_what_is_no_text_or_no_sweep_is_one_error(folder: Path, content: bytes) -> None:
    assert said_of(folder, content)


@SOME
@given(st.binary(max_size=200))
def test_any_bytes(folder: Path, content: bytes) -> None:
    said_of(folder, content)


@SOME
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_any_signs(folder: Path, text: str) -> None:
    said_of(folder, text)
    said_of(folder, BASE + text)


@SOME
@given(st.integers(0, 2**32), st.lists(st.sampled_from(PIECES), min_size=1, max_size=4))
def test_a_whole_file_with_pieces_put_in_left_out_and_moved(
    folder: Path, seed: int, pieces: list[str]
) -> None:
    draw, text = random.Random(seed), SWEEP
    for piece in pieces:
        at, end = sorted(draw.randrange(len(text)) for _ in range(2))
        end = min(end, at + draw.choice([0, 1, 5, 40]))
        text = text[:at] + draw.choice([piece, "", text[at:end] * 2]) + text[end:]
    said_of(folder, text, draw.choice(["demo", "paper"]))


SWEEP = """\
name: whole
base: {method: pgn, backbone: embedded, task: digits, epochs: 30, lr: 3e-3}
protocol: {selection: last}
ablate:
  prompt_length: {values: [1, 4, 8, 16]}
  trunk:
    values:
      - {label: none, method: iip}
      - {label: MLP, trunk: mlp, resolution: 32}
      - resnet10
over: {task: [digits, textures]}
exclude: [{task: digits, trunk: mlp}]
seeds: 3
metric: {name: val/acc, goal: maximize}
resources: {cpus: 1}
budget: {max_hours: 2, max_trials: 100}
report:
  note: text
  min_seeds: 2
  tables: [{id: T3a, title: Number of prompts, axis: prompt_length, averages: {all: []}}]
  curves: [{id: F4, title: Length, axis: prompt_length, panels: task}]
  figures: [{id: F5, title: Gain, kind: bars, axis: trunk, against: MLP}]
profiles:
  paper: {over: {task: [textures]}, ablate: null, exclude: null, report: null,
          search: {method: tpe, num_trials: 5},
          parameters: {lr: {min: 1e-4, max: 1e-1, distribution: log_uniform_values}}}
  demo: {seeds: [0, 1]}
"""


def test_the_whole_file_is_whole(folder: Path) -> None:
    assert said_of(folder, SWEEP) == said_of(folder, SWEEP, "paper") == ""


@pytest.mark.parametrize(
    "number", ["9" * 400, "-" + "9" * 400, "0x" + "f" * 300, "1e400", "9" * 19]
)
@pytest.mark.parametrize(
    "text",
    [
        "parameters: {lr: {min: %s, max: %s, distribution: uniform}}\nsearch: {num_trials: 2}",
        "parameters: {lr: {min: 1, max: %s, distribution: log_uniform_values}}\nsearch: {}",
        "parameters: {lr: {min: 1, max: 2, q: %s}}\nsearch: {num_trials: 2}",
        "budget: {max_hours: %s}",
        "budget: {max_trials: %s}",
        "seeds: %s",
        "seeds: [%s]",
        "ablate: {epochs: [%s]}",
        "parameters: {lr: [%s]}",
    ],
)
def test_numbers_that_no_computer_counts_to(folder: Path, text: str, number: str) -> None:
    assert said_of(folder, f"{BASE}{text.replace('%s', number)}\n")
