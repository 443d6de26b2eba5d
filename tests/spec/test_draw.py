"""What a draw of the sampler becomes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sweeper.errors import InputError
from sweeper.spec.draw import trial_of

from .sheet import BASE, plan
from .shelf import Shelf
from .test_search import search_of


def test_a_draw_becomes_the_trial_that_a_cell_of_it_would_be(tmp_path: Path) -> None:
    search = search_of(tmp_path)
    draw = {"prompt_length": 4, "lr": 0.01, "trunk": "resnet10", "resolution": 16}
    spec = trial_of(search, json.loads(json.dumps(draw)), 5, Shelf())
    text = BASE + "  epochs: 20\n  prompt_length: 4\n  lr: 0.01\n  resolution: 16\nseeds: [5]\n"
    (trial,) = plan(tmp_path, text).trials()
    assert spec == trial


def test_a_draw_whose_condition_fails_keeps_the_base(tmp_path: Path) -> None:
    search = search_of(tmp_path)
    specs = [
        trial_of(search, {"trunk": "mlp", "resolution": size}, 0, Shelf()) for size in (16, 32)
    ]
    assert specs[0].id == specs[1].id
    assert specs[0].params["resolution"] == 64


METHODS = (
    BASE
    + """
parameters: {method: [pgn, lp, ./mine.py], library_size: [8, 16], bias: [true, false]}
search: {method: random}
"""
)


def test_a_draw_of_the_method_leaves_out_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("")
    found = plan(tmp_path, METHODS)
    assert found.search is not None
    assert found.search.space["method"]["values"] == ["pgn", "lp", "mine@0123"]
    draws = [{"method": "lp", "library_size": size, "bias": False} for size in (8, 16)]
    specs = [trial_of(found.search, draw, 0, Shelf(), found.sources) for draw in draws]
    assert specs[0].id == specs[1].id
    assert specs[0].params == {"bias": False}
    mine = trial_of(found.search, {"method": "mine@0123"}, 0, Shelf(), found.sources)
    assert (mine.method, mine.params) == ("mine@0123", {"prompt_length": 8})


def test_a_draw_that_cannot_be_carried_raises(tmp_path: Path) -> None:
    search = search_of(tmp_path)
    with pytest.raises(InputError, match="draw: prompt_length 65 is more than its 64"):
        trial_of(search, {"prompt_length": 65}, 0, Shelf())
    with pytest.raises(InputError, match="library_size: 0; expected Input should be greater"):
        trial_of(search, {"library_size": 0}, 0, Shelf())
    with pytest.raises(InputError, match="warmup_epochs: 30 of epochs: 20"):
        trial_of(search, {"warmup_epochs": 30}, 0, Shelf())
