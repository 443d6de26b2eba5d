import torch

from sweeper.tasks.task import Split


def test_the_digest_is_of_pixels_and_labels():
    images, labels = torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.tensor([0, 1])
    first = Split(images, labels).digest()
    assert len(first) == 16
    assert Split(images.clone(), labels.clone()).digest() == first
    assert Split(images + 1, labels).digest() != first
    assert Split(images, 1 - labels).digest() != first
    turned = Split(torch.rand(2, 3, 4, 5).mT, labels)
    assert turned.digest() == Split(turned.images.contiguous(), labels).digest()
