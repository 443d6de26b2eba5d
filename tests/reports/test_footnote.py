"""What is said of a cell whose protocol is not the base's, or that selected on test."""

import csv

import pytest

from reports import query
from reports.build import build
from reports.document import plain
from reports.entry import entries
from reports.filled import fill
from reports.footnote import ON_TEST, Footnotes, reference, remarks
from reports.order import comparisons
from reports.table import table_blocks
from sweeper.spec.plan import Cell, Plan, Role, Search
from sweeper.spec.protocol import protocol_of
from sweeper.spec.shown import Curve, Table
from sweeper.spec.trial import Protocol
from sweeper.tracking.writer import Writer
from tests.reports import hand
from tests.tracking import made

BASE = protocol_of({"epochs": 3})
SHOTS = "under another protocol: shots 16 (base: 0)"


def test_nothing_is_said_of_the_protocol_of_the_base():
    assert remarks({"epochs": 3}, BASE) == ((), False)
    assert remarks({"epochs": 3, "selection": "last", "shots": 0}, BASE) == ((), False)
    assert remarks({"epochs": 9, "lr": 3.0}, BASE) == ((), False)


@pytest.mark.parametrize("name", Protocol.model_fields)
def test_every_field_of_the_protocol_is_told(name):
    other = {"shots": 16, "data_fraction": 0.5, "precision": "bf16", "train_on": "train+val"}
    value = other.get(name, "best_val" if name == "selection" else "something")
    told, apart = remarks({"epochs": 3, name: value}, BASE)
    assert apart
    assert told == (f"under another protocol: {name} {value!r} (base: {BASE[name]!r})",)


def test_selection_on_test_is_told_even_where_the_base_does_so():
    config = {"epochs": 3, "selection": "best_test"}
    assert remarks(config, BASE) == ((ON_TEST,), True)
    assert remarks(config, protocol_of(config)) == ((ON_TEST,), False)
    both = config | {"shots": 16}
    assert remarks(both, BASE) == ((ON_TEST, SHOTS), True)
    assert remarks(both, BASE, but="shots") == ((ON_TEST,), True)


def test_the_protocol_of_a_training_means_nothing_to_what_is_not_trained():
    base = protocol_of({"epochs": 3, "selection": "best_val", "shots": 16})
    assert remarks({"epochs": 0}, base) == ((), False)
    told, _ = remarks({"epochs": 0, "shots": 4}, base)
    assert told == ("under another protocol: shots 4 (base: 16)",), "solved on 4 a class"
    told, apart = remarks({"epochs": 0, "normalisation": "half"}, base)
    assert (told, apart) == (
        ("under another protocol: normalisation 'half' (base: 'weights')",),
        True,
    )


def test_signs_count_from_one_in_the_order_of_the_table():
    notes = Footnotes.of([(), ("b", "a"), ("a",)])
    marks = [plain(notes.mark(told)) for told in ((), ("a",), ("b", "a"))]
    assert marks == ["", "²", "¹ ²"]
    assert [plain(line) for line in notes.texts()] == ["¹ b.", "² a."]


def cell_under(role: Role, *, base: bool = False, over=None, method="pgn", **protocol) -> Cell:
    plain = made.cell(role, base=base, over=over, method=method, prompt_length=int(role.value or 8))
    trials = tuple(
        spec.model_copy(update={"protocol": Protocol(**protocol)}) for spec in plain.trials
    )
    config = {key: value for key, value in trials[0].flat().items() if key != "seed"}
    return plain.model_copy(
        update={"id": trials[0].cell_id, "config": config, "trials": trials},
    )


def length(value: int) -> Role:
    return Role(axis="prompt_length", label=str(value), value=value)


def mixed() -> Plan:
    """Four lengths: the base, one on 16 shots, one selected on test, one as the base."""
    cells = (
        cell_under(length(8), base=True),
        cell_under(length(1), shots=16),
        cell_under(length(4), selection="best_test"),
        cell_under(length(16)),
    )
    table = Table(id="T", title="Lengths", axis="prompt_length", mixed_protocols=True)
    curve = Curve(id="c", title="Lengths", axis="prompt_length", mixed_protocols=True)
    return Plan(
        sweep="mixed", profile="", seeds=(0, 1, 2), cells=cells, tables=(table,), curves=(curve,)
    )


def recorded(plan, accuracies, folder):
    store = made.blank_store(folder)
    with Writer(store, plan) as writer:
        for spec in plan.trials():
            acc = accuracies[spec.cell_id] + (0.0, 0.01, -0.01)[spec.seed]
            writer.trial_ended(spec, made.result(spec, acc=acc))
    return store


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What departs from the base's protocol has the highest means."""
    plan, folder = mixed(), tmp_path_factory.mktemp("mixed")
    means = dict(zip([cell.id for cell in plan.cells], (0.5, 0.7, 0.9, 0.3), strict=True))
    store = recorded(plan, means, folder / "store")
    return build(store.uri, "mixed", folder / "out").parent


def test_an_entry_under_another_protocol_carries_a_sign_and_is_not_in_bold():
    means = {"8": 0.5, "1": 0.7, "4": 0.9, "16": 0.3}
    noise = (0.0, 0.01, -0.01)
    found = hand.recording(mixed(), lambda c, s: means[c.roles[0].label] + noise[s.seed])
    _, grid, changes = table_blocks(found.plan.tables[0], found, entries(found))
    rows = hand.lines(grid)
    assert rows["1"][0] == "70.0 ± 2.5 (3)¹"
    assert rows["4"][0] == "90.0 ± 2.5 (3)²"
    assert rows["8"][0] == "50.0 ± 2.5 (3)"
    assert rows["16"][0] == "30.0 ± 2.5 (3)"
    bold = [plain(row[0]) for row in grid.rows if row[1][0].bold]
    assert bold == ["8"], "best of what shares the base's protocol"
    assert [plain(note) for note in grid.notes] == [f"¹ {SHOTS}.", f"² {ON_TEST}."]
    assert hand.lines(changes)["4"] == ["+40.0 [+40.0, +40.0] (3)²"]


def test_a_curve_tells_it_below(folder):
    text = (folder / "report.md").read_text()
    curve = text[text.index("## Curves") :]
    assert "| digits¹ ² |" in curve
    assert f"¹ at 1: {SHOTS}.\n\n² at 4: {ON_TEST}." in curve


def test_the_csv_files_tell_it(folder):
    for name, count in (("cells.csv", 1), ("trials.csv", 3)):
        with (folder / name).open() as file:
            told = [row["remarks"] for row in csv.DictReader(file)]
        assert told == [""] * count + [SHOTS] * count + [ON_TEST] * count + [""] * count


def test_the_own_axis_of_a_curve_is_no_remark(tmp_path):
    cells = tuple(
        cell_under(Role(axis="shots", label=str(n), value=n), base=n == 4, shots=n) for n in (4, 16)
    )
    curve = Curve(id="c", title="Shots", axis="shots")
    table = Table(id="T", title="Shots", axis="shots")
    plan = Plan(
        sweep="shots", profile="", seeds=(0, 1, 2), cells=cells, curves=(curve,), tables=(table,)
    )
    store = recorded(plan, {cell.id: 0.5 for cell in cells}, tmp_path)
    text = build(store.uri, "shots", tmp_path / "out").read_text()
    assert "shots 16 (base: 4)" in text[: text.index("## Curves")]
    assert "shots 16 (base: 4)" not in text[text.index("## Curves") :]


def test_a_table_in_which_all_select_on_test_has_its_best_in_bold_and_says_so(tmp_path):
    cells = (
        cell_under(length(8), base=True, selection="best_test"),
        cell_under(length(1), selection="best_test"),
    )
    plan = mixed().model_copy(update={"cells": cells})
    store = recorded(plan, {cells[0].id: 0.5, cells[1].id: 0.7}, tmp_path)
    found = entries(query.load(store.uri, "mixed"))
    filled = fill(plan.tables[0], plan, found)
    assert [row for row, _ in filled.bold] == ["1"]
    assert [plain(line) for line in filled.notes.texts()] == [f"¹ {ON_TEST}."]


def test_the_reference_is_the_base_and_for_training_the_first_that_trains():
    zero_shot = made.cell(Role(axis="method", label="TP"), method="tp", epochs=0, base=True)
    other = cell_under(length(8), shots=16, normalisation="half")
    plan = mixed().model_copy(update={"cells": (other, zero_shot)})
    found = reference(plan)
    assert found["shots"] == 16
    assert found["normalisation"] == "weights"
    assert [*found] == [*Protocol.model_fields]


def test_a_step_between_two_protocols_does_not_hold(tmp_path):
    def row(name, **protocol):
        return cell_under(Role(axis="method", label=name, value=8), method=name, **protocol)

    cells = (row("iip"), row("pgn", selection="best_test"))
    table = Table(id="T", title="Methods", axis="method")
    plan = mixed().model_copy(update={"cells": cells, "tables": (table,), "curves": ()})
    store = recorded(plan, {cells[0].id: 0.5, cells[1].id: 0.9}, tmp_path)
    (step,) = comparisons(plan, entries(query.load(store.uri, "mixed")))
    assert (step.apart, step.on_test) == (("selection",), ("PGN",))
    text = build(store.uri, "mixed", tmp_path / "out").read_text()
    assert f"Under two protocols: not the same selection. PGN: {ON_TEST}." in text
    assert "0 of 1 steps hold under one protocol." in text


def test_a_search_says_which_of_its_trials_selected_on_test(tmp_path):
    space = {"prompt_length": {"kind": "integers", "low": 1, "high": 64}}
    search = Search(num_trials=2, base={}, space=space)
    plan = Plan(sweep="search", profile="", seeds=(0,), cells=(), search=search)
    store = made.blank_store(tmp_path)
    with Writer(store, plan) as writer:
        for size, selection in ((5, "best_test"), (9, "last")):
            spec = made.trial(0, prompt_length=size)
            spec = spec.model_copy(update={"protocol": Protocol(selection=selection)})
            writer.trial_started(spec, 1)
            writer.trial_ended(spec, made.result(spec, acc=0.6 + size / 100))
    out = build(store.uri, "search", tmp_path / "out")
    text = out.read_text()
    ranking = text.partition("### Which parameters mattered")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:]] for row in ranking.splitlines()]
    (second,) = [row for row in rows if row[:2] == ["2", "5"]]
    (first,) = [row for row in rows if row[:2] == ["1", "9"]]
    assert [cell.count("¹") for cell in second[2:4]] == [0, 1]
    assert not any("¹" in cell for cell in first)
    assert f"¹ {ON_TEST}." in text
    with (out.parent / "trials.csv").open() as file:
        told = {row["config.prompt_length"]: row["remarks"] for row in csv.DictReader(file)}
    assert told == {"5": ON_TEST, "9": ""}
