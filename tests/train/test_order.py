import torch

from sweeper.train.order import batches


def test_every_image_comes_once_and_the_remainder_is_kept():
    cut = batches(10, 4, seed=0, epoch=0)
    assert [len(batch) for batch in cut] == [4, 4, 2]
    assert sorted(torch.cat(cut).tolist()) == list(range(10))


def test_a_remainder_of_one_joins_the_batch_before_it():
    assert [len(batch) for batch in batches(9, 4, seed=0, epoch=0)] == [4, 5]
    assert [len(batch) for batch in batches(1, 4, seed=0, epoch=0)] == [1]


def test_the_order_depends_on_seed_and_epoch_and_on_nothing_else():
    first = torch.cat(batches(50, 8, seed=1, epoch=3))
    torch.rand(7)
    assert torch.equal(first, torch.cat(batches(50, 8, seed=1, epoch=3)))
    assert torch.equal(first, torch.cat(batches(50, 16, seed=1, epoch=3)))
    assert not torch.equal(first, torch.cat(batches(50, 8, seed=1, epoch=4)))
    assert not torch.equal(first, torch.cat(batches(50, 8, seed=2, epoch=3)))
