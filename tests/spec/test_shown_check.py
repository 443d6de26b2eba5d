"""What a report asks for and its sweep cannot show: each mistake with place, rule and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from .sheet import complaints, plan

TEXT = """\
base: {{method: pgn, backbone: embedded, task: digits}}
ablate:
  prompt_length: [1, 4]
  trunk: [mlp, resnet10]
over: {{task: [digits, shapes]}}
seeds: [0]
report:
  {section}:
    - {words}
"""
OWN = "expected an axis of 'ablate', or of a grid in 'parameters'"
OVER = "expected a factor of 'over'"
LABEL = "expected a label of 'trunk'"


def asked(section: str, words: str) -> str:
    """A sweep file whose report asks for one thing."""
    return TEXT.format(section=section, words=f"{{id: A, title: T, {words}}}")


def only(folder: Path, section: str, words: str, word: str) -> str:
    """The one complaint, after its place, which is where the value of `word` is written."""
    text = asked(section, words)
    (line,) = [at for at, row in enumerate(text.splitlines(), start=1) if "id: A" in row]
    column = text.splitlines()[line - 1].index(f"{word}: ") + len(f"{word}: ") + 1
    (found,) = complaints(folder, text)
    assert found.startswith(f"sweep.yaml:{line}:{column}: "), found
    return found.split(": ", 1)[1]


@pytest.mark.parametrize(
    ("section", "words", "word", "told"),
    [
        ("tables", "axis: lenght", "axis", f"unknown axis 'lenght'; {OWN}. Did you mean"),
        ("figures", "kind: bars, axis: trnk", "axis", f"unknown axis 'trnk'; {OWN}. Did you mean"),
        (
            "tables",
            "axis: trunk, rows: [tsk]",
            "rows",
            f"unknown rows 'tsk'; {OVER}. Did you mean 'task'?",
        ),
        (
            "tables",
            "axis: trunk, across: layer, averages: {all: []}",
            "across",
            f"unknown across 'layer'; {OVER}. Known: task",
        ),
        (
            "tables",
            "axis: trunk, averages: {all: [digts]}",
            "averages",
            "unknown averages 'digts'; expected values of 'task'. Did you mean 'digits'?",
        ),
        (
            "curves",
            "axis: prompt_length, panels: tsk",
            "panels",
            f"unknown panels 'tsk'; {OVER}. Did you mean 'task'?",
        ),
        (
            "figures",
            "axis: trunk, kind: heatmap, across: tak",
            "across",
            f"unknown across 'tak'; {OVER}. Did you mean 'task'?",
        ),
        (
            "figures",
            "axis: trunk, kind: bars, across: tak",
            "across",
            f"unknown across 'tak'; {OVER}. Did you mean 'task'?",
        ),
        (
            "figures",
            "axis: trunk, kind: bars, against: ml",
            "against",
            f"unknown against 'ml'; {LABEL}. Did you mean 'mlp'?",
        ),
        (
            "figures",
            "axis: trunk, kind: bars, of: [resnet1, mlp]",
            "of",
            f"unknown of 'resnet1'; {LABEL}. Did you mean 'resnet10'?",
        ),
        (
            "figures",
            "axis: trunk, kind: scatter, against: mlp, x: seconds, x_of: mp",
            "x_of",
            f"unknown x_of 'mp'; {LABEL}. Did you mean 'mlp'?",
        ),
        (
            "figures",
            "axis: trunk, kind: analysis, analysis: atention",
            "analysis",
            "unknown analysis 'atention'; expected a name of `sweeper analyse`. Did you mean",
        ),
        (
            "curves",
            "axis: prompt_length, x: trainable_parameters, scale: labels",
            "scale",
            "x: trainable_parameters on a scale of labels; expected `scale: log` or",
        ),
        (
            "curves",
            "axis: trunk",
            "axis",
            "a curve along 'trunk', which holds 'mlp'; expected an axis whose values are numbers. "
            "Or `scale: labels`.",
        ),
    ],
)
def test_a_name_that_the_sweep_has_not_is_told_where_it_stands_with_the_nearest_that_it_has(
    tmp_path: Path, section: str, words: str, word: str, told: str
) -> None:
    assert only(tmp_path, section, words, word).startswith(told)


@pytest.mark.parametrize(
    ("section", "words", "word"),
    [
        ("tables", "axis: trunk, measure: test/ac", "measure"),
        ("curves", "axis: prompt_length, measure: test/ac", "measure"),
        ("figures", "axis: trunk, kind: scatter, against: mlp, x_of: mlp, x: test/ac", "x"),
    ],
)
def test_a_measure_that_is_none_is_told_with_all_that_there_are(
    tmp_path: Path, section: str, words: str, word: str
) -> None:
    found = only(tmp_path, section, words, word)
    assert found.startswith(f"unknown {word} 'test/ac'; expected one of test/acc, val/acc, ")
    assert "analysis/<" in found
    assert found.endswith("/<result>. Did you mean 'test/acc'?")


@pytest.mark.parametrize("name", ["analysis/nothing/within", "analysis/variance", "analysis//x"])
def test_a_result_of_no_analysis_is_no_measure(tmp_path: Path, name: str) -> None:
    found = only(tmp_path, "tables", f"axis: trunk, measure: {name}", "measure")
    assert found.startswith(f"unknown measure '{name}'; expected one of ")


@pytest.mark.parametrize(
    ("kind", "lacking"), [("scatter", ["against", "x", "x_of"]), ("analysis", ["analysis"])]
)
def test_what_a_kind_of_figure_needs_is_asked_for_all_at_once(
    tmp_path: Path, kind: str, lacking: list[str]
) -> None:
    found = complaints(tmp_path, asked("figures", f"axis: trunk, kind: {kind}"))
    assert found == [
        f"sweep.yaml:9:7: {kind} without '{word}'; expected the word '{word}' too"
        for word in lacking
    ]


def test_all_mistakes_of_one_figure_are_told_at_once(tmp_path: Path) -> None:
    words = "axis: trunk, kind: bars, across: b, averages: {c: []}, measure: d, of: [e]"
    found = complaints(tmp_path, asked("figures", words))
    assert [each.split("unknown ")[1].split(";")[0] for each in found] == [
        "across 'b'",
        "measure 'd'",
        "of 'e'",
    ]


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("tables", "axis: trunk, rows: [task], measure: analysis/variance/within"),
        ("curves", "axis: trunk, scale: labels"),
        ("curves", "axis: trunk, x: trainable_parameters"),
        ("curves", "axis: prompt_length, panels: task, averages: {all: [], one: [digits]}"),
        ("figures", "axis: trunk, kind: bars, against: mlp, measure: test/loss"),
        ("figures", "axis: trunk, kind: scatter, against: mlp, x: seconds, x_of: mlp"),
        ("figures", "axis: trunk, kind: heatmap, normalise: true"),
        ("figures", "axis: trunk, kind: analysis, analysis: attention, of: [mlp]"),
    ],
)
def test_what_a_sweep_can_show_is_kept_in_its_plan(
    tmp_path: Path, section: str, words: str
) -> None:
    found = plan(tmp_path, asked(section, words))
    (shown,) = getattr(found, section)
    assert (shown.id, shown.title) == ("A", "T")
