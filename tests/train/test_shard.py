import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from itertools import chain

import pytest
import torch
import torch.distributed

from sweeper.errors import DivergedError, InputError
from sweeper.train.shard import WHOLE, Shard

from . import tiny
from .test_fit import Exploding, trained


def test_parts_are_contiguous_and_cover_everything():
    for count in (0, 1, 5, 8):
        parts = [list(range(count))[Shard(rank, 3).part(count)] for rank in range(3)]
        assert list(chain(*parts)) == list(range(count))
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_one_worker_needs_no_process_group():
    value = torch.ones(2)
    WHOLE.sum([value])
    assert torch.equal(value, torch.ones(2))


def test_batchnorm_over_several_cpu_workers_is_refused():
    with pytest.raises(InputError, match="Synchronised BatchNorm exists on GPUs only"):
        Shard(0, 2).prepare(tiny.method(tiny.Generator), torch.device("cpu"), 8)
    Shard(0, 2).prepare(tiny.method(tiny.Prompts), torch.device("cpu"), 8)


def _work(rank, store):
    """Trains as worker `rank` of two: its parameters, metrics, and the step of a divergence."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo",
        init_method=f"file://{store}",
        rank=rank,
        world_size=2,
        timeout=timedelta(minutes=5),
    )
    shard = Shard(rank, 2)
    method, records = trained(tiny.Prompts, shard=shard, recipe=tiny.recipe(batch_size=9))
    with pytest.raises(DivergedError) as caught:
        trained(Exploding, shard=shard)
    torch.distributed.destroy_process_group()
    return method.prompts.tolist(), [record.metrics() for record in records], caught.value.step


@pytest.mark.slow
def test_two_workers_train_as_one(tmp_path):
    """37 images in batches of 9 and a last one of 10: parts of 4 and 5, and of 5 and 5."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(_work, range(2), [str(tmp_path / "store")] * 2))
    whole, records = trained(tiny.Prompts, recipe=tiny.recipe(batch_size=9))
    for prompts, metrics, step in found:
        torch.testing.assert_close(torch.tensor(prompts), whole.prompts.detach())
        assert step == 3
        for ours, theirs in zip(records, metrics, strict=True):
            for name in ("train/loss", "train/acc", "val/loss", "val/acc", "lr"):
                assert theirs[name] == pytest.approx(ours.metrics()[name], rel=1e-5), name
    assert found[0][0] == found[1][0], "workers must hold the same parameters"
