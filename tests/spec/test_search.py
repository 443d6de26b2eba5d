"""An adaptive search: its space in W&B's words, its checks, and what a draw becomes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.spec.plan import Search

from .sheet import BASE, complaints, plan

SEARCH = (
    BASE
    + """
  epochs: 20
parameters:
  prompt_length: {distribution: q_log_uniform_values, min: 1, max: 64, q: 1}
  library_size: {min: 8, max: 1024}
  lr: {distribution: log_uniform_values, min: 1e-4, max: 1}
  weight_decay: {distribution: q_uniform, min: 0, max: 1, q: 0.25}
  init_scale: {min: 0.5, max: 2.0}
  trunk: [mlp, resnet10]
  resolution: {values: [16, 32]}
  momentum: {value: 0.5}
when: {resolution: {trunk: resnet10}}
search: {num_trials: 30}
early_terminate: {type: asha, min_iter: 3, eta: 3}
"""
)


def search_of(folder: Path, text: str = SEARCH) -> Search:
    found = plan(folder, text).search
    assert found is not None
    return Search.model_validate_json(found.model_dump_json())


def test_the_vocabulary_of_wandb_becomes_plain_spaces(tmp_path: Path) -> None:
    assert search_of(tmp_path).space == {
        "prompt_length": {"kind": "integers", "low": 1, "high": 64, "log": True},
        "library_size": {"kind": "integers", "low": 8, "high": 1024, "log": False},
        "lr": {"kind": "log_uniform", "low": 1e-4, "high": 1.0},
        "weight_decay": {"kind": "uniform", "low": 0.0, "high": 1.0, "step": 0.25},
        "init_scale": {"kind": "uniform", "low": 0.5, "high": 2.0, "step": None},
        "trunk": {"kind": "choice", "values": ["mlp", "resnet10"]},
        "resolution": {"kind": "choice", "values": [16, 32]},
        "momentum": {"kind": "choice", "values": [0.5]},
    }


def test_a_search_reads_validation_and_says_how_it_stops(tmp_path: Path) -> None:
    found = search_of(tmp_path)
    assert (found.metric.name, found.method, found.num_trials) == ("val/acc", "tpe", 30)
    assert found.early_terminate is not None
    assert found.early_terminate.min_iter == 3
    loss = search_of(tmp_path, SEARCH + "metric: {name: val/loss}\n")
    assert (loss.metric.name, loss.metric.goal) == ("val/loss", "minimize")


def test_a_search_alone_has_no_cells_and_with_an_ablation_has_its(tmp_path: Path) -> None:
    assert plan(tmp_path, SEARCH).cells == ()
    beside = plan(tmp_path, SEARCH + "ablate: {method: [tp, pgn]}\n")
    assert [cell.config["method"] for cell in beside.cells] == ["pgn", "tp"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"parameters.lr": "{distribution: log_uniform, min: -4, max: 0}"},
            "lr: distribution 'log_uniform'; expected one that is offered here. Its bounds are "
            "exponents; write log_uniform_values, whose bounds are values.",
        ),
        (
            {"parameters.lr": "{distribution: unifrm, min: 0, max: 1}"},
            "lr: distribution 'unifrm'; expected one that is offered here. Did you mean 'uniform'?",
        ),
        (
            {"parameters.epochs": "{min: 1}"},
            "epochs: 'int_uniform' without 'max'; expected min, max",
        ),
        (
            {"parameters.epochs": "{min: 1, max: 2, mu: 3}"},
            "unknown key of 'int_uniform' 'mu'; expected a key of 'int_uniform'. "
            "Known: distribution, max, min",
        ),
        (
            {"parameters.init_scale": "{min: 2.0, max: 1.0}"},
            "init_scale: min 2.0, max 1.0; expected min <= max, and q > 0 where there is one",
        ),
        (
            {"parameters.lr": "{distribution: log_uniform_values, min: 0, max: 1}"},
            "lr: min 0, max 1; expected 0 < min <= max",
        ),
        (
            {"parameters.lr": "{min: a, max: 1}"},
            "lr.min: 'a'; expected a number",
        ),
        (
            {"parameters.prompt_length.q": "2"},
            "prompt_length.q: 2; expected 1, which is whole numbers",
        ),
        (
            {"parameters.library_size.min": "0"},
            "library_size: 0; expected greater than or equal to 1",
        ),
        (
            {"parameters.prompt_length.max": "100"},
            "backbone 'embedded' cannot carry it: prompt_length 100 is more than its 64; "
            "expected settings that it can carry",
        ),
        ({"parameters.trunk": "[mlp, vgg]"}, "trunk: 'vgg'; expected 'mlp', 'resnet10' or "
         "'resnet18'"),
        (
            {"parameters.task": "[digits, shapes]"},
            "a search over 'task'; expected a parameter of the method, the recipe or the protocol",
        ),
        (
            {"over.task": "[digits, shapes]"},
            "over.task beside a search; expected one value: a search runs on one task. "
            "Choose one with --set task=...",
        ),
        (
            {"exclude": "[{trunk: mlp}]"},
            "exclude beside a search; expected 'when', which says where a parameter varies",
        ),
        (
            {"search.metric": "{name: test/acc}"},
            "unknown metric 'test/acc'; expected one of val/acc, val/loss. "
            "Did you mean 'val/acc'?",
        ),
        ({"search.num_trials": "0"}, "num_trials: 0; expected greater than or equal to 1"),
        (
            {"search.trials": "3"},
            "unknown key of search 'trials'; expected a key of search. Did you mean 'num_trials'?",
        ),
        ({"early_terminate.eta": "1"}, "eta: 1; expected greater than or equal to 2"),
    ],
)  # fmt: skip
def test_one_mistake_one_message(tmp_path: Path, changed: dict[str, str], message: str) -> None:
    ((name, text),) = changed.items()
    assert complaints(tmp_path, SEARCH, settings=changed) == [f"--set {name}={text}: {message}"]
