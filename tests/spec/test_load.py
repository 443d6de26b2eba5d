"""Every kind of mistake: where it is said to be, what is said, and all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.errors import InputError
from sweeper.spec.load import load
from sweeper.spec.plan import Plan

from .sheet import BASE, complaints, plan, write
from .shelf import Shelf

EVERYTHING_WRONG = """
metric: {name: test/accuracy}
bas: {}
base:
  method: pgn
  backbone: embeded
  task: digts
  prompt_lenght: 8
  epochs: 0.5
  batch_size: "50"
  optimizer: adam
  lr: 1
  lr: 2
ablate:
  prompt_length: {values: [1, 4, 4, 0]}
  library_sise: [8]
  trunk:
    values:
      - {label: IIP, method: iiip}
      - {label: R, trunk: resnet11}
      - {label: nothing}
      - {trunk: mlp, label: [1]}
  method: {value: [tp]}
over:
  task: [digits, texture]
seeds: [1, 1]
when: {foo: {trunk: mlp}}
exclude: [{trnk: mlp}, 3]
early_terminate: {type: asha}
resources: {cpu: 1, workers: 0}
budget: {max_trials: 0}
protocol: {selction: last}
report:
  min_seeds: 0
  note: [1]
  tables:
    - {id: a/b, title: x, axis: prompt_length}
    - {id: T3a, axis: prompt_length, targt: pgn/T3a}
    - {id: T3b, title: y, axis: libary_sise}
  curves:
    - {id: c, title: x, axis: trunk}
"""

ALL_OF_IT = """
1:16: unknown metric 'test/accuracy'; expected one of train/loss, train/acc, val/loss, val/acc, \
test/loss, test/acc, test/mean_per_class, test/macro_f1, lr, epoch_seconds. Did you mean 'test/acc'?
2:1: unknown section 'bas'; expected a section of a sweep. Did you mean 'base'?
5:13: backbone 'embeded': unknown; expected a backbone. Did you mean 'embedded'?
7:3: unknown setting 'prompt_lenght'; expected a setting of method 'pgn', of the recipe or of the \
protocol. Did you mean 'prompt_length'?
8:11: epochs: 0.5; expected a valid integer
9:15: batch_size: '50'; expected a valid integer
10:14: optimizer: 'adam'; expected 'sgd' or 'adamw'
12:3: 'lr' is written twice; expected each key once. The first is in line 11, column 3.
14:34: '4' stands twice; expected labels that differ. The first is in line 14; give one of them \
another `label`.
14:37: prompt_length: 0; expected greater than or equal to 1
15:3: unknown setting 'library_sise'; expected a setting of method 'pgn', of the recipe or of the \
protocol. Did you mean 'library_size'?
18:30: unknown method 'iiip'; expected a method that `sweeper methods` lists, or the path of one \
(./iiip). Did you mean 'iip'?
19:27: trunk: 'resnet11'; expected 'mlp', 'resnet10' or 'resnet18'
20:9: an entry that changes nothing; expected a setting, such as 'trunk'
21:29: label: a list; expected a text
22:11: ablate.method: a mapping; expected a list of one value or more, under 'values'
22:12: unknown key of ablate.method 'value'; expected a key of ablate.method. Did you mean \
'values'?
24:18: unknown task 'texture'; expected a task that `sweeper tasks` lists, or the path of one \
(./texture). Did you mean 'textures'?
25:8: seeds: [1, 1]; expected a number, or a list of different whole numbers from 0, 1000 at most
26:8: unknown parameter 'foo'; expected one of 'parameters'
27:12: unknown setting 'trnk'; expected a setting of this sweep. Did you mean 'trunk'?
27:24: a condition: 3; expected a mapping: setting to value or list
28:1: early_terminate without a search; expected a section 'search'
29:13: unknown key of resources 'cpu'; expected a key of resources. Did you mean 'cpus'?
29:30: workers: 0; expected greater than or equal to 1
30:22: max_trials: 0; expected greater than or equal to 1
31:12: unknown key of protocol 'selction'; expected a key of protocol. Did you mean 'selection'?
33:14: min_seeds: 0; expected a whole number of at least 1
34:9: note: a list; expected a text
36:12: id: 'a/b'; expected 1 to 100 letters, digits, '_', '.', '-', no '.' or '-' first: \
it names files
37:7: an entry of report.tables has no 'title'; expected a 'title'
37:38: unknown key of an entry of report.tables 'targt'; expected a key of an entry of \
report.tables. Did you mean 'target'?
38:33: unknown axis 'libary_sise'; expected an axis of 'ablate', or of a grid in 'parameters'. \
Did you mean 'library_sise'?
40:31: a curve along 'trunk', which holds 'IIP'; expected an axis whose values are numbers. \
Or `scale: labels`.
"""


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    found = "\n".join(complaints(tmp_path, EVERYTHING_WRONG))
    assert found.replace("sweep.yaml:", "") == ALL_OF_IT.strip()


def test_the_catalog_is_asked_about_a_task_once(tmp_path: Path) -> None:
    shelf = Shelf()
    path = write(tmp_path, BASE + "ablate: {prompt_length: [1, 4], trunk: [mlp, resnet18]}\n")
    load(path, shelf)
    assert shelf.asked == ["digits"]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "base: {method: pgn}",
            [
                "sweep.yaml:1:1: no 'backbone'; expected a 'backbone' in 'base'",
                "sweep.yaml:1:1: no 'task'; expected a 'task' in 'base'",
            ],
        ),
        ("[1]", ["sweep.yaml:1:1: the file holds a list; expected a sweep: a mapping of sections"]),
        (
            "seeds: 3",
            [
                "sweep.yaml:1:1: no section 'base'; "
                "expected a 'base' with method, backbone and task",
                "sweep.yaml:1:1: no 'method'; expected a 'method' in 'base'",
                "sweep.yaml:1:1: no 'backbone'; expected a 'backbone' in 'base'",
                "sweep.yaml:1:1: no 'task'; expected a 'task' in 'base'",
            ],
        ),
        (
            "base: {method: 3, backbone: embedded, task: digits}",
            ["sweep.yaml:1:16: method: 3; expected the name of a method"],
        ),
        (
            "base: {method: pgn, backbone: embedded, task: digits, epochs: [1, 2]}",
            [
                "sweep.yaml:1:63: epochs: a list; expected a single value; "
                "lists belong to 'ablate', 'over' and 'parameters'"
            ],
        ),
        (
            "base: {method: pgn, backbone: embedded, task: ./none}",
            ["sweep.yaml:1:47: task './none': no such folder; expected a folder of images"],
        ),
        (
            "base: {method: ./none.py, backbone: embedded, task: digits}",
            ["sweep.yaml:1:16: method './none.py': no such file; expected a method file"],
        ),
    ],
)
def test_a_base_that_says_too_little_or_nonsense(
    tmp_path: Path, text: str, messages: list[str]
) -> None:
    assert complaints(tmp_path, text) == messages


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            "  epochs: 10\n  warmup_epochs: 11\n",
            "6:18: warmup_epochs: 11 of epochs: 10; "
            "expected a warm-up that is not longer than the training",
        ),
        (
            "  train_on: train+val\nprotocol: {selection: best_val}\n",
            "5:13: train_on: 'train+val' with selection: 'best_val'; "
            "expected train_on: train, or selection: last",
        ),
        (
            "  preset: papr\n",
            "5:11: unknown preset 'papr'; expected a preset of method 'pgn'. Did you mean 'paper'?",
        ),
        (
            "  prompt_length: 500\n",
            "5:18: backbone 'embedded' cannot carry it: prompt_length 500 is more than its 64; "
            "expected settings that it can carry",
        ),
        (
            "ablate: {epochs: [5, 20]}\nprotocol: {precision: fp16}\n",
            "6:23: precision: 'fp16'; expected 'fp32' or 'bf16'",
        ),
        (
            "  warmup_epochs: 10\n  epochs: 20\nablate: {epochs: [5, 20]}\n",
            "7:19: warmup_epochs: 10 of epochs: 5; "
            "expected a warm-up that is not longer than the training",
        ),
        (
            "ablate: {prompt_length: [4, 500]}\n",
            "5:29: backbone 'embedded' cannot carry it: prompt_length 500 is more than its 64; "
            "expected settings that it can carry",
        ),
        (
            "ablate: {trunk: [{label: IIP, method: iip, resolutoin: 3}]}\n",
            "5:44: unknown setting 'resolutoin'; expected a setting of method 'iip', "
            "of the recipe or of the protocol. Did you mean 'selection'?",
        ),
        (
            "ablate: {trunk: [{trunk: mlp, task: shapes}]}\nover: {task: [digits]}\n",
            "5:37: 'task' is already crossed in 'over'; expected each factor in one place",
        ),
        (
            "ablate: {x: [{prompt_length: 4}]}\n",
            "5:14: an entry without a name; expected a 'label' for its row",
        ),
        (
            "ablate: {prompt_length: [4, null]}\n",
            "5:29: an entry: None; expected a value, or a mapping of settings",
        ),
        (
            "parameters: {lr: {min: 0.1, max: 1.0}}\n",
            "5:14: lr: a range in a grid; expected 'values': a range needs a 'search' to draw "
            "from it",
        ),
        ("metric: {name: val/loss, goal: maximize}\n", "5:32: goal: maximize of val/loss; "
         "expected minimize"),
        ("seeds: 0\n", "5:8: seeds: 0; expected a number, or a list of different whole numbers "
         "from 0, 1000 at most"),
        ("seeds: [0, -1]\n", "5:8: seeds: [0, -1]; expected a number, or a list of different "
         "whole numbers from 0, 1000 at most"),
        ("name: ../x\n", "5:7: name: '../x'; expected 1 to 100 letters, digits, '_', '.', '-', "
         "no '.' or '-' first: it names files"),
        ("exclude: [{task: digits}]\n", "1:1: no cell is left; expected one that 'exclude' does "
         "not drop"),
        (
            "parameters: {lr: [0.1, 0.2], epochs: [1, 2], prompt_length: [1, 2], "
            f"library_size: {list(range(1, 2000))}}}\n",
            "5:14: 15992 cells; expected at most 10000. Use `search` for large spaces.",
        ),
    ],
)  # fmt: skip
def test_one_mistake_one_message(tmp_path: Path, more: str, message: str) -> None:
    assert complaints(tmp_path, BASE.lstrip() + more) == [f"sweep.yaml:{message}"]


def test_the_name_is_the_stem_and_must_be_fit_for_files(tmp_path: Path) -> None:
    path = write(tmp_path, BASE, "my sweep.yaml")
    with pytest.raises(InputError, match="name: 'my sweep'; expected 1 to 100 letters"):
        load(path, Shelf())
    assert plan(tmp_path, "name: other" + BASE).sweep == "other"


def test_seeds_are_a_list_or_a_number_and_the_command_line_wins(tmp_path: Path) -> None:
    assert plan(tmp_path, BASE).seeds == (0, 1, 2)
    assert plan(tmp_path, BASE + "seeds: 2\n").seeds == (0, 1)
    assert plan(tmp_path, BASE + "seeds: [7, 3]\n").seeds == (7, 3)
    assert plan(tmp_path, BASE + "seeds: [7, 3]\n", seeds=[5]).seeds == (5,)
    with pytest.raises(InputError, match="--seeds: seeds: "):
        plan(tmp_path, BASE, seeds=[])


def test_a_plan_reads_back_from_json_and_holds_no_path(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    text = BASE.replace("digits", "./images") + "ablate: {prompt_length: [1, 4]}\n"
    found = plan(tmp_path, text + "resources: {gpus: 1}\nbudget: {max_hours: 0.5}\n")
    assert Plan.model_validate_json(found.model_dump_json()) == found
    assert found.cells[0].trials[0].task == "images"
    assert str(tmp_path) not in found.model_copy(update={"sources": {}}).model_dump_json()
    assert found.budget.max_hours == 0.5


def test_the_digest_of_a_plan_ignores_where_and_on_what_it_runs(tmp_path: Path) -> None:
    for place in ("a", "b"):
        (tmp_path / place / "images").mkdir(parents=True)
    text = BASE.replace("digits", "./images")
    here = plan(tmp_path / "a", text)
    there = plan(tmp_path / "b", text + "resources: {cpus: 4}\nbudget: {max_trials: 3}\n")
    other = plan(tmp_path / "b", text + "seeds: 4\n")
    assert here.digest == there.digest != other.digest


def test_without_tables_every_axis_gets_one(tmp_path: Path) -> None:
    found = plan(tmp_path, BASE + "ablate: {prompt_length: [1], trunk: [mlp]}\n")
    assert [table.axis for table in found.tables] == ["prompt_length", "trunk"]
    written = plan(tmp_path, BASE + "ablate: {lr: [1]}\nreport: {tables: []}\n")
    assert written.tables == ()


def test_resources_that_contradict_themselves_are_mistakes_of_the_file(tmp_path: Path) -> None:
    text = BASE + "resources: {gpus: 2, workers: 2, launcher: inline}\nbudget: {max_trials: 0}\n"
    gpus, launcher, budget = complaints(tmp_path, text)
    assert "gpus: 2; expected 1 at most: a worker trains on one. Write workers: 4" in gpus
    assert "launcher: 'inline' with 2 workers" in launcher
    assert "max_trials: 0" in budget
