"""What `doctor` thinks of a node."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sweeper.execution.checkup import Seen, judged

HERE = {"python": "3.12.1", "ray": "2.60.0", "torch": "2.11.0", "sweeper": "0.1.0"}
NODE = {"NodeManagerHostname": "n", "NodeManagerAddress": "10.0.0.2", "Resources": {"GPU": 1.0}}
WELL = Seen("8 cores", HERE, gpus=1, free=20, wrong=[])


def test_a_node_that_agrees_is_well_and_says_what_it_has() -> None:
    found = judged(NODE, replace(WELL, versions={**HERE, "sweeper": "not installed"}), HERE)
    assert (found.name, found.ok) == ("n (10.0.0.2)", True)
    assert found.found == (
        "8 cores, 1 GPU(s) for torch, 20 GiB disk free; python 3.12.1, ray 2.60.0, torch 2.11.0"
    )


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (replace(WELL, gpus=0), "Ray gives out 1 GPU(s), torch computes on 0"),
        (replace(WELL, versions={**HERE, "torch": "2.9.0"}), "torch 2.9.0, here it is 2.11.0"),
        (replace(WELL, wrong=["it cannot write to /r"]), "it cannot write to /r"),
    ],
)
def test_what_is_wrong_with_a_node_comes_first(seen: Seen, said: str) -> None:
    found = judged(NODE, seen, HERE)
    assert not found.ok
    assert found.found.startswith(f"{said}; 8 cores")
