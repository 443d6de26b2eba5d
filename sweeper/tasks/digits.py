"""Handwritten digits: scikit-learn's 8 x 8 scans, none of which the embedded backbone has seen."""

import torch
from torch import Tensor

from sweeper.drawing.canvas import SIDE, to_uint8

SPLIT_SEED = 0
SIZES = {"train": 900, "val": 297, "test": 600}


def draw_digits() -> dict[str, tuple[Tensor, Tensor]]:
    """The 1797 scans enlarged to the canvas: 900 train, 297 val, 600 test, stratified."""
    from sklearn.datasets import load_digits  # seconds to import, and only these scans need it
    from sklearn.model_selection import train_test_split

    data = load_digits()
    small = torch.tensor(data.images, dtype=torch.float32)[:, None] / 16
    large = torch.nn.functional.interpolate(small, SIDE, mode="bilinear", align_corners=False)
    images = to_uint8(large).expand(-1, 3, -1, -1).contiguous()
    labels = torch.tensor(data.target, dtype=torch.int64)
    rest, test = train_test_split(
        range(len(labels)), test_size=SIZES["test"], random_state=SPLIT_SEED, stratify=labels
    )
    train, val = train_test_split(
        rest, train_size=SIZES["train"], random_state=SPLIT_SEED, stratify=labels[rest]
    )
    return {
        name: (images[rows], labels[rows])
        for name, rows in (("train", train), ("val", val), ("test", test))
    }
