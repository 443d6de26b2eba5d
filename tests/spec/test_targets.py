"""What sweep files regenerate is read from them without what they name."""

from __future__ import annotations

from pathlib import Path

from sweeper.spec.node import Mistakes
from sweeper.spec.targets import Shown, shown_in

SWEEP = """
base: {method: pgn, task: not-here, prompt_length: 8, epochs: 12}
ablate:
  prompt_length: {values: [1, 8]}
  trunk:
    values:
      - {label: IIP, method: iip, lr: 0.01}
      - {label: MLP, trunk: mlp, resolution: 32}
report:
  tables:
    - {id: T3a, title: Prompts, axis: prompt_length, target: pgn/T3a}
    - {id: T3c, title: Trunks, axis: trunk}
  curves:
    - {id: lengths, title: Prompts, axis: prompt_length, target: pgn/T3a}
profiles:
  demo: {}
  paper: {base: {epochs: 500}}
"""


def _of(tmp_path: Path, text: str, name: str = "pgn_x.yaml") -> tuple[list[Shown], Mistakes]:
    (tmp_path / name).write_text(text, encoding="utf-8")
    mistakes = Mistakes()
    return shown_in(tmp_path, mistakes), mistakes


def test_each_profile_has_its_targets_with_its_base(tmp_path: Path) -> None:
    shown, mistakes = _of(tmp_path, SWEEP)
    assert not mistakes.found
    assert [(s.profile, s.target, s.settings["epochs"]) for s in shown] == [
        ("demo", "pgn/T3a", 12),
        ("demo", "pgn/T3c", 12),
        ("demo", "pgn/T3a", 12),
        ("demo", "pgn/lengths", 12),
        ("paper", "pgn/T3a", 500),
        ("paper", "pgn/T3c", 500),
        ("paper", "pgn/T3a", 500),
        ("paper", "pgn/lengths", 500),
    ]
    assert {s.file for s in shown} == {"pgn_x.yaml"}


def test_what_entries_of_another_method_change_does_not_vary(tmp_path: Path) -> None:
    shown, _ = _of(tmp_path, SWEEP)
    varied = {s.target: s.varied for s in shown}
    lengths, trunks = {"prompt_length"}, {"trunk", "resolution"}
    assert varied == {"pgn/T3a": lengths, "pgn/T3c": trunks, "pgn/lengths": lengths}


def test_a_grid_has_axes_and_a_search_none(tmp_path: Path) -> None:
    grid = """
base: {method: pgn}
parameters: {lr: {values: [0.1, 0.2]}}
report: {tables: [{id: T1, title: Rates, axis: lr}]}
"""
    shown, mistakes = _of(tmp_path, grid)
    assert [(s.profile, s.target, s.varied) for s in shown] == [("", "pgn/T1", {"lr"})]
    searched, mistakes = _of(tmp_path, grid + "search: {method: tpe, num_trials: 3}\n")
    assert searched == []
    assert "axis" in str(next(iter(mistakes.found.values())))


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("base: [", encoding="utf-8")
    shown, mistakes = _of(tmp_path, SWEEP)
    assert len(shown) == 8
    assert ["broken.yaml" in str(problem) for problem in mistakes.found.values()] == [True]
