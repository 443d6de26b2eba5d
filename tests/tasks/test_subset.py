"""Few-shot subsets and fractions: how many, which, nested, and copied no further than needed."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from sweeper.seeds import generator
from sweeper.spec.trial import Protocol
from sweeper.tasks.subset import fewer, subset
from sweeper.tasks.task import Split, Task, TaskInfo

COUNTS = (20, 5, 40)  # of train; half as many in val


def split(counts):
    """Images whose every pixel is their place; labels interleaved as a shuffled file has them."""
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts, dtype=torch.int64))
    labels = labels[torch.randperm(len(labels), generator=generator(1, "labels"))]
    images = torch.arange(len(labels), dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)
    return Split(images.contiguous(), labels)


def task(counts=COUNTS):
    names = tuple(f"class {label}" for label in range(len(counts)))
    sizes = {"train": sum(counts), "val": sum(n // 2 for n in counts), "test": sum(counts)}
    info = TaskInfo("three", "1", "", names, "a {}", sizes)
    return Task(info, split(counts), split([n // 2 for n in counts]), split(counts))


def places(found):
    return set(found.images[:, 0, 0, 0].tolist())


def reference(whole, wanted, seed, name):
    """The first images of a random order of each class, one class after the other."""
    kept = set()
    for label in range(len(COUNTS)):
        own = [place for place, each in enumerate(whole.labels.tolist()) if each == label]
        order = torch.randperm(len(own), generator=generator(seed, "subset", name, label))
        kept |= {own[number] for number in order.tolist()[: wanted(len(own))]}
    return kept


@pytest.mark.parametrize("shots", [1, 2, 4, 8, 16])
def test_shots_of_each_class_and_at_most_four_in_val(shots):
    whole = task()
    found = subset(whole, Protocol(shots=shots), seed=3)
    assert places(found.train) == reference(whole.train, lambda n: min(n, shots), 3, "train")
    assert places(found.val) == reference(whole.val, lambda n: min(n, shots, 4), 3, "val")
    assert found.train.labels.bincount().tolist() == [min(shots, count) for count in COUNTS]
    assert found.val.labels.bincount().tolist() == [min(shots, 4, n // 2) for n in COUNTS]
    for part in (found.train, found.val):
        assert part.images[:, 0, 0, 0].to(torch.int64).diff().min() > 0, "in the order of the whole"
    sizes = {"train": len(found.train), "val": len(found.val), "test": len(found.test)}
    assert found.info.sizes == sizes
    assert found.test is whole.test


def test_images_keep_their_labels():
    whole = task()
    found = subset(whole, Protocol(shots=4), seed=0)
    for name in ("train", "val"):
        part, before = getattr(found, name), getattr(whole, name)
        index = part.images[:, 0, 0, 0].to(torch.int64)
        assert torch.equal(part.labels, before.labels[index])


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5, 0.9])
def test_a_fraction_of_each_class_is_rounded_and_never_none(fraction):
    whole = task()
    found = subset(whole, Protocol(data_fraction=fraction), seed=3)

    def wanted(count):
        return max(1, round(fraction * count))

    assert places(found.train) == reference(whole.train, wanted, 3, "train")
    assert found.train.labels.bincount().tolist() == [wanted(count) for count in COUNTS]
    assert found.val is whole.val


def test_a_larger_subset_holds_the_smaller_ones():
    whole = task()
    shots = [places(subset(whole, Protocol(shots=n), 7).train) for n in (1, 2, 4, 8, 16)]
    shares = [
        places(subset(whole, Protocol(data_fraction=f), 7).train) for f in (0.05, 0.1, 0.3, 0.8)
    ]
    for chain in (shots, shares):
        assert all(one < other for one, other in pairwise(chain))


def test_the_seed_decides_and_nothing_that_was_drawn_before():
    whole = task()
    first = places(subset(whole, Protocol(shots=4), 1).train)
    torch.manual_seed(99)
    torch.rand(10)
    subset(whole, Protocol(shots=2), 5)
    assert places(subset(whole, Protocol(shots=4), 1).train) == first
    assert places(subset(whole, Protocol(shots=4), 2).train) != first


def test_a_class_is_drawn_whatever_the_others_are():
    """More images of one class leave the choice among those of another as it was."""

    def chosen(counts):
        whole = task(counts)
        found = subset(whole, Protocol(shots=2), 0)
        own = (whole.train.labels == 0).nonzero()[:, 0].tolist()
        kept = found.train.images[found.train.labels == 0][:, 0, 0, 0].tolist()
        return [own.index(place) for place in kept]

    assert chosen((20, 5, 40)) == chosen((20, 9)) == chosen((20, 30, 3, 7))


def test_classes_with_fewer_images_than_shots_give_all_and_are_told():
    whole = task()
    found = subset(whole, Protocol(shots=16), seed=0)
    assert (found.train.labels == 1).sum() == 5
    assert fewer(found, Protocol(shots=16)) == ("class 1",)
    assert fewer(subset(whole, Protocol(shots=5), 0), Protocol(shots=5)) == ()
    assert fewer(whole, Protocol()) == ()


def test_nothing_asked_or_nothing_left_out_leaves_the_task_as_it_is():
    whole = task()
    assert subset(whole, Protocol(), 0) is whole
    again = subset(whole, Protocol(shots=40), 0)
    assert again.train is whole.train
    assert again.val is not whole.val
    assert subset(whole, Protocol(data_fraction=0.999), 0).train is whole.train


def test_a_split_without_images_stays_so():
    whole = task()
    bare = Task(whole.info, whole.train, split([]), whole.test)
    assert len(subset(bare, Protocol(shots=2), 0).val) == 0
    assert len(subset(bare, Protocol(shots=2), 0).train) == 6


def test_of_a_file_in_memory_only_the_subset_is_read_out(tmp_path):
    whole = task()
    path = tmp_path / "images"
    np.memmap(path, np.uint8, "w+", shape=whole.train.images.shape)[:] = whole.train.images.numpy()
    mapped = np.memmap(path, np.uint8, "c", shape=whole.train.images.shape)
    stored = Task(
        whole.info,
        Split(torch.from_numpy(mapped), whole.train.labels, known="0123"),
        whole.val,
        whole.test,
    )
    found = subset(stored, Protocol(shots=2), 0).train
    assert found.images.untyped_storage().nbytes() == 6 * 3 * 2 * 2
    assert found.digest() != "0123", "the digest is that of the subset"
    assert found.digest() == subset(whole, Protocol(shots=2), 0).train.digest()
    assert subset(stored, Protocol(), 0).train.images.data_ptr() == stored.train.images.data_ptr()
