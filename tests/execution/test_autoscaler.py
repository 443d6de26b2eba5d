"""What may still be added to a cluster, read from what `ray up` left on its head."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.execution.autoscaler import addable

AWS = """
max_workers: 3
head_node_type: head
available_node_types:
  head: {resources: {CPU: 4}, node_config: {}}
  gpu: {resources: {CPU: 8, GPU: 1}, max_workers: 2, node_config: {}}
  spot: {resources: {CPU: 16}, max_workers: 100, node_config: {}}
"""
LOCAL = """
max_workers: 2
head_node_type: local.cluster.node
available_node_types:
  local.cluster.node: {resources: {}, max_workers: 2, node_config: {}}
"""


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (AWS, [{"CPU": 8, "GPU": 1}] * 2 + [{"CPU": 16}] * 3),
        (AWS.replace("CPU: 8, GPU: 1", ""), None),
        (LOCAL, None),
        (LOCAL.replace("max_workers: 2, node", "max_workers: 0, node"), []),
        ("", []),
    ],
)
def test_types_count_as_often_as_the_config_allows_and_unknown_ones_say_nothing(
    tmp_path: Path, said: str, expected: list[dict[str, int]] | None
) -> None:
    config = tmp_path / "ray_bootstrap_config.yaml"
    config.write_text(said)
    found = addable(config)
    assert (None if found is None else list(found)) == expected
