"""What a backbone or a method cannot do: a mistake of the file, or a reason that is kept."""

from __future__ import annotations

from pathlib import Path

from .sheet import BASE, complaints, plan


def test_what_a_crossed_backbone_cannot_carry_is_a_reason(tmp_path: Path) -> None:
    text = BASE + "  prompt_length: 4\nablate: {prompt_length: [4, 8]}\n"
    found = plan(tmp_path, text + "over: {backbone: [embedded, short]}\n")
    skipped = [cell for cell in found.cells if cell.skip]
    assert [(cell.config["prompt_length"], cell.over, cell.skip) for cell in skipped] == [
        (8, {"backbone": "short"}, "prompt_length 8 is more than its 4")
    ]
    assert skipped[0].trials == ()
    assert len(found.cells) == 4


def test_what_no_crossed_backbone_can_carry_is_a_mistake(tmp_path: Path) -> None:
    text = BASE.lstrip() + "ablate: {prompt_length: [4, 500]}\n"
    found = complaints(tmp_path, text + "over: {backbone: [embedded, textless]}\n")
    assert [message.split(";")[0] for message in found] == [
        "sweep.yaml:5:29: backbone 'embedded' cannot carry it: prompt_length 500 is more than "
        "its 64"
    ]


def test_an_axis_that_a_crossed_method_lacks_is_a_reason(tmp_path: Path) -> None:
    text = BASE + "ablate: {library_size: [8, 64]}\nover: {method: [pgn, iip]}\n"
    found = plan(tmp_path, text)
    reasons = [(c.config["library_size"], c.skip) for c in found.cells if c.skip]
    assert reasons == [
        (8, "method 'iip' has no 'library_size'"),
        (64, "method 'iip' has no 'library_size'"),
    ]
    assert len({cell.id for cell in found.cells}) == len(found.cells) == 5


def test_an_entry_that_sets_what_its_own_method_lacks_is_a_mistake(tmp_path: Path) -> None:
    text = BASE.lstrip() + "ablate: {trunk: [{label: IIP, method: iip, trunk: mlp}]}\n"
    (message,) = complaints(tmp_path, text)
    start = "sweep.yaml:5:44: unknown setting 'trunk'; expected a setting of method 'iip', "
    assert message.startswith(start)


def test_a_reason_that_holds_for_the_base_is_said_once(tmp_path: Path) -> None:
    text = "base: {method: lp, backbone: short, task: digits}\nablate: {bias: [true, false]}\n"
    assert complaints(tmp_path, text) == [
        "sweep.yaml:1:1: backbone 'short' cannot carry it: its patches are too large; "
        "expected settings that it can carry"
    ]
    text = BASE.lstrip() + "ablate: {x: [{label: LP, method: lp}]}\n"
    assert [each[:16] for each in complaints(tmp_path, text, settings={"backbone": "short"})] == [
        "sweep.yaml:1:1: ",
        "sweep.yaml:5:14:",
    ]


def test_a_template_that_a_task_does_not_have_is_a_mistake_of_its_line(tmp_path: Path) -> None:
    text = BASE.lstrip() + "ablate: {template: [coop, 'a {}.']}\nover: {task: [digits, shapes]}\n"
    assert complaints(tmp_path, text) == [
        "sweep.yaml:5:21: template of task 'shapes': 'coop'; expected one that it has"
    ]
    text = text.replace(", shapes", "")
    templates = [trial.protocol.template for trial in plan(tmp_path, text).trials()]
    assert sorted(set(templates)) == ["", "a {}.", "coop"]


def test_a_template_is_told_with_all_other_mistakes(tmp_path: Path) -> None:
    found = complaints(tmp_path, BASE + "  template: a photo\n  shots: -1\n  precision: fp16\n")
    assert len(found) == 3
    assert sum("template: 'a photo'; expected a text with one" in each for each in found) == 1


def test_a_template_has_one_place_for_the_class(tmp_path: Path) -> None:
    text = BASE.lstrip() + "ablate: {template: ['a {}.', a photo, '{} and {}', 'a {kind} {}']}\n"
    found = complaints(tmp_path, text)
    assert [message.split(";")[0] for message in found] == [
        "sweep.yaml:5:30: template: 'a photo'",
        "sweep.yaml:5:39: template: '{} and {}'",
        "sweep.yaml:5:52: template: 'a {kind} {}'",
    ]
    assert found[0].endswith("expected a text with one '{}', where the class name goes, or coop")
