"""What Ray gives to trials that ask for GPUs, on nodes that only say they have some.

Ray hands out the numbers of devices without looking for them, so the placement is the real one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .machines import ROOT, token

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SCRIPT = """
import json, os, time
import ray
from ray.cluster_utils import Cluster
from ray.util import placement_group, placement_group_table, remove_placement_group
from sweeper.execution.cluster import alive_nodes
from sweeper.execution.placement import lanes
from sweeper.spec.plan import Resources

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
for gpus in (2, 1):
    cluster.add_node(num_cpus=8, num_gpus=gpus)
ray.init(address=cluster.address, log_to_driver=False)
nodes = [node["Resources"] for node in alive_nodes()]
full = ray.cluster_resources()


def until(reached, seconds=30):
    end = time.monotonic() + seconds
    while not reached() and time.monotonic() < end:
        time.sleep(0.1)


def placed(asked, predicted):
    bundle = {"CPU": asked.cpus} | ({"GPU": asked.gpus} if asked.gpus else {})
    groups = [placement_group([bundle] * asked.workers, "PACK") for _ in range(predicted + 2)]
    created = lambda: sum(
        placement_group_table(group)["state"] == "CREATED" for group in groups
    )
    until(lambda: created() >= predicted)
    time.sleep(1)
    count = created()
    for group in groups:
        remove_placement_group(group)
    names = ("CPU", "GPU")
    until(lambda: all(ray.available_resources().get(n, 0) == full[n] for n in names))
    return count


@ray.remote
class Trial:
    def where(self):
        node = ray.get_runtime_context().get_node_id()
        return node, os.environ["CUDA_VISIBLE_DEVICES"]


def devices(asked, count):
    options = {"num_cpus": asked.cpus, "num_gpus": asked.gpus}
    actors = [Trial.options(**options).remote() for _ in range(count)]
    found = ray.get([actor.where.remote() for actor in actors])
    for actor in actors:
        ray.kill(actor)
    until(lambda: ray.available_resources().get("GPU", 0) == full["GPU"])
    return found


asked = [
    dict(gpus=0.1, cpus=0.1), dict(gpus=0.6), dict(gpus=0.5), dict(gpus=0.3), dict(gpus=1 / 3),
    dict(gpus=0.16666667, cpus=0.5), dict(gpus=1), dict(gpus=1, cpus=5), dict(cpus=3),
    dict(cpus=0.7), dict(gpus=1, workers=3), dict(gpus=1, workers=2), dict(cpus=5, workers=2),
]
table = []
for each in asked:
    predicted = lanes(Resources(**each), nodes)
    table.append([each, predicted, placed(Resources(**each), predicted)])
whole = devices(Resources(gpus=1), 3)
halves = devices(Resources(gpus=0.5), 6)
print(json.dumps({"table": table, "whole": whole, "halves": halves}), flush=True)
ray.shutdown()
cluster.shutdown()
"""


@pytest.fixture(scope="module")
def ray_said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("gpus")
    said = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **token(folder)},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    found: dict[str, Any] = json.loads(said.stdout.splitlines()[-1])
    return found


def test_ray_places_at_a_time_what_lanes_counts(ray_said: dict[str, Any]) -> None:
    wrong = [row for row in ray_said["table"] if row[1] != row[2]]
    assert not wrong, f"[what was asked for, lanes, what Ray placed]: {wrong}"
    assert all(counted > 0 for _, counted, _ in ray_said["table"])


def test_a_trial_with_a_whole_gpu_has_it_alone(ray_said: dict[str, Any]) -> None:
    assert len({tuple(where) for where in ray_said["whole"]}) == 3


def test_trials_with_half_a_gpu_share_it_two_by_two(ray_said: dict[str, Any]) -> None:
    assert sorted(Counter(map(tuple, ray_said["halves"])).values()) == [2, 2, 2]
