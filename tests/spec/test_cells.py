"""From a sweep to cells: what is trained, once, and which rows it fills."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.spec.load import load
from sweeper.spec.plan import Cell, Plan

from .sheet import BASE, plan, write
from .shelf import Shelf

ABLATION = (
    BASE
    + """
ablate:
  prompt_length: {values: [1, 4, 8]}
  library_size: [8, 64]
  trunk:
    values:
      - {label: IIP, method: iip}
      - {label: MLP 10x10, trunk: mlp, target_row: MLP}
      - {label: ResNet10@16, trunk: resnet10, resolution: 16}
      - {label: ResNet10@64, trunk: resnet10, resolution: 64}
  method: [tp, iip, pgn, lp]
"""
)


def _rows(found: Plan, axis: str) -> dict[str, Cell]:
    return {role.label: cell for cell in found.cells for role in cell.roles if role.axis == axis}


def test_the_base_is_one_cell_with_a_row_in_every_table(tmp_path: Path) -> None:
    found = plan(tmp_path, ABLATION)
    base = found.cells[0]
    assert [(role.axis, role.label) for role in base.roles] == [
        ("prompt_length", "8"),
        ("library_size", "64"),
        ("trunk", "ResNet10@64"),
        ("method", "pgn"),
    ]
    assert [cell.base for cell in found.cells] == [True] + [False] * 8
    assert len(found.cells) == 1 + 2 + 1 + 3 + 2
    assert len({trial.id for trial in found.trials()}) == len(found.trials())


def test_a_base_that_is_no_row_is_trained_and_no_row_is_invented(tmp_path: Path) -> None:
    found = plan(tmp_path, BASE + "ablate: {prompt_length: [1, 4]}\n")
    assert [len(cell.roles) for cell in found.cells] == [0, 1, 1]


def test_an_entry_changes_several_settings_at_once(tmp_path: Path) -> None:
    rows = _rows(plan(tmp_path, ABLATION), "trunk")
    assert list(rows) == ["ResNet10@64", "IIP", "MLP 10x10", "ResNet10@16"]
    small = rows["ResNet10@16"].config
    assert (small["trunk"], small["resolution"], small["prompt_length"]) == ("resnet10", 16, 8)
    (role,) = rows["MLP 10x10"].roles
    assert (role.target_row, role.value) == ("MLP", "mlp")


def test_another_method_keeps_what_it_shares_with_the_base(tmp_path: Path) -> None:
    text = ABLATION.replace("task: digits", "task: digits\n  prompt_length: 4\n  library_size: 16")
    rows = _rows(plan(tmp_path, text + "protocol: {selection: best_val}\n"), "method")
    assert rows["iip"].config["prompt_length"] == 4
    assert "library_size" not in rows["iip"].config
    assert rows["iip"].config["selection"] == "best_val"


def test_a_method_without_training_is_one_trial(tmp_path: Path) -> None:
    text = ABLATION + "seeds: [3, 4]\nprotocol: {selection: best_val}\n"
    (trial,) = _rows(plan(tmp_path, text), "method")["tp"].trials
    assert (trial.seed, trial.recipe.epochs, trial.protocol.selection) == (0, 0, "last")
    other = plan(tmp_path, ABLATION.replace("task: digits", "task: digits\n  epochs: 3"))
    assert _rows(other, "method")["tp"].trials == (trial,)


def test_a_preset_lies_between_defaults_and_what_is_written(tmp_path: Path) -> None:
    text = ABLATION.replace("task: digits", "task: digits\n  preset: paper\n  epochs: 60")
    rows = _rows(plan(tmp_path, text), "method")
    config = rows["pgn"].config
    assert (config["prompt_length"], config["library_size"], config["epochs"]) == (16, 256, 60)
    assert (config["warmup_epochs"], config["trunk"]) == (50, "resnet10")
    assert (rows["iip"].config["prompt_length"], rows["iip"].config["epochs"]) == (16, 60)


def test_crossed_factors_make_columns(tmp_path: Path) -> None:
    found = plan(tmp_path, ABLATION + "over: {task: [digits, textures]}\n")
    tasks = [cell.over["task"] for cell in found.cells]
    assert tasks == ["digits"] * 9 + ["textures"] * 9
    assert all(cell.config["task"] == cell.over["task"] for cell in found.cells)


def test_a_factor_that_makes_no_difference_is_not_a_coordinate(tmp_path: Path) -> None:
    text = ABLATION + "over: {optimizer: [sgd, adamw], task: [digits, shapes]}\n"
    zero_shot = [cell for cell in plan(tmp_path, text).cells if cell.config["method"] == "tp"]
    assert [cell.over for cell in zero_shot] == [{"task": "digits"}, {"task": "shapes"}]


def test_a_grid_crosses_its_parameters(tmp_path: Path) -> None:
    text = BASE + "parameters: {prompt_length: {values: [1, 4]}, lr: [0.1, 0.2]}\n"
    found = plan(tmp_path, text)
    assert [cell.over for cell in found.cells] == [
        {"prompt_length": "1", "lr": "0.1"},
        {"prompt_length": "1", "lr": "0.2"},
        {"prompt_length": "4", "lr": "0.1"},
        {"prompt_length": "4", "lr": "0.2"},
    ]
    one = plan(tmp_path, BASE + "parameters: {prompt_length: [1, 4]}\n")
    assert [(cell.over, cell.roles[0].label) for cell in one.cells] == [({}, "1"), ({}, "4")]


def test_when_lets_a_parameter_vary_only_where_it_matters(tmp_path: Path) -> None:
    text = BASE + "parameters: {trunk: [mlp, resnet10], resolution: [16, 32]}\n"
    text += "when: {resolution: {trunk: resnet10}}\n"
    configs = [cell.config for cell in plan(tmp_path, text).cells]
    assert [(config["trunk"], config["resolution"]) for config in configs] == [
        ("mlp", 64),
        ("resnet10", 16),
        ("resnet10", 32),
    ]


def test_exclude_drops_what_matches_entirely(tmp_path: Path) -> None:
    text = BASE + "parameters: {trunk: [mlp, resnet10], resolution: [16, 32]}\n"
    text += "exclude: [{trunk: mlp, resolution: [16, 99]}]\n"
    configs = [cell.config for cell in plan(tmp_path, text).cells]
    assert [(config["trunk"], config["resolution"]) for config in configs] == [
        ("mlp", 32),
        ("resnet10", 16),
        ("resnet10", 32),
    ]


def test_a_users_method_is_known_by_the_digest_of_its_source(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("")
    found = plan(tmp_path, BASE + "ablate: {method: [pgn, ./mine.py]}\n")
    mine = _rows(found, "method")["mine"]
    assert mine.config["method"] == "mine@0123"
    assert found.sources == {"mine@0123": str(tmp_path / "mine.py")}


AXES = [
    ("prompt_length", st.integers(1, 64)),
    ("library_size", st.integers(1, 512)),
    ("trunk", st.sampled_from(["mlp", "resnet10", "resnet18"])),
    ("lr", st.floats(1e-4, 1.0)),
    ("epochs", st.integers(1, 500)),
]
factors = st.fixed_dictionaries(
    {}, optional={name: st.lists(each, min_size=1, max_size=3, unique=True) for name, each in AXES}
)


@settings(max_examples=25, deadline=None)
@given(axes=factors, section=st.sampled_from(["ablate", "parameters"]), data=st.data())
def test_ids_do_not_depend_on_order_and_tell_configurations_apart(
    tmp_path_factory: object, axes: dict[str, list[object]], section: str, data: st.DataObject
) -> None:
    folder: Path = tmp_path_factory.mktemp("sweeps")  # type: ignore[attr-defined]
    names = data.draw(st.permutations(sorted(axes)))
    shuffled = {name: data.draw(st.permutations(axes[name])) for name in names}
    found = [_sweep(folder, section, each) for each in (axes, shuffled)]
    ids = [{cell.id for cell in each.cells} for each in found]
    assert ids[0] == ids[1]
    configs = [tuple(sorted(cell.config.items())) for cell in found[0].cells]
    assert len(set(configs)) == len(ids[0]) == len(found[0].cells)
    trials = [trial.id for cell in found[0].cells for trial in cell.trials]
    assert len(set(trials)) == len(trials) == 2 * len(configs)
    assert Plan.model_validate_json(found[0].model_dump_json()) == found[0]
    assert _sweep(folder, section, axes).digest == found[0].digest


def _sweep(folder: Path, section: str, axes: dict[str, list[object]]) -> Plan:
    lines = "".join(f"  {name}: {values}\n" for name, values in axes.items())
    text = BASE + "seeds: 2\n" + (f"{section}:\n{lines}" if axes else "")
    return load(write(folder, text), Shelf())


def test_a_crossed_factor_keeps_what_the_published_table_calls_its_values(tmp_path: Path) -> None:
    over = """
over:
  lr:
    - {label: slow, lr: 0.001, target_row: Small steps}
    - {label: fast, lr: 0.1}
ablate: {prompt_length: [1, 4]}
"""
    found = plan(tmp_path, BASE + over)
    told = {(cell.over["lr"], tuple(cell.printed.items())) for cell in found.cells}
    assert told == {("slow", (("lr", "Small steps"),)), ("fast", ())}


def test_each_row_has_its_place_in_the_sweep_file_though_the_base_comes_first(
    tmp_path: Path,
) -> None:
    rows = _rows(plan(tmp_path, ABLATION), "trunk")
    in_file = sorted((cell for cell in rows.items()), key=lambda each: _place(each[1], "trunk"))
    assert [label for label, _ in in_file] == ["IIP", "MLP 10x10", "ResNet10@16", "ResNet10@64"]


def _place(cell: Cell, axis: str) -> int:
    return next(role.place for role in cell.roles if role.axis == axis)
