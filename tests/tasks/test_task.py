import torch

from sweeper.tasks.task import Split, together


def test_the_digest_is_of_pixels_and_labels():
    images, labels = torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.tensor([0, 1])
    first = Split(images, labels).digest()
    assert len(first) == 16
    assert Split(images.clone(), labels.clone()).digest() == first
    assert Split(images + 1, labels).digest() != first
    assert Split(images, 1 - labels).digest() != first
    turned = Split(torch.rand(2, 3, 4, 5).mT, labels)
    assert turned.digest() == Split(turned.images.contiguous(), labels).digest()


def test_two_splits_are_one_after_the_other():
    images = torch.arange(5 * 3 * 2 * 2, dtype=torch.uint8).view(5, 3, 2, 2)
    first, second = (
        Split(images[:2], torch.tensor([0, 1])),
        Split(images[2:], torch.tensor([1] * 3)),
    )
    both = together(first, second)
    assert torch.equal(both.images, images)
    assert both.labels.tolist() == [0, 1, 1, 1, 1]
    assert both.images.data_ptr() == images.data_ptr(), "they lie so already: nothing is copied"
    turned = together(second, first)
    assert torch.equal(turned.images, torch.cat([images[2:], images[:2]]))
    apart = together(first, Split(images[3:], torch.tensor([1, 1])))
    assert torch.equal(apart.images, images[[0, 1, 3, 4]])
    elsewhere = together(first, Split(images[2:].clone(), second.labels))
    assert torch.equal(elsewhere.images, images)
