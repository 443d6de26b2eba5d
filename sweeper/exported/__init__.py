"""Trained models outside of a sweep: written to a folder by `sweeper export`, loaded by `load`.

import torch
from sweeper.exported import describe, load, read_images

folder = "results/exported/0123456789abcdef"
model, info = load(folder), describe(folder)
images = read_images(["one.jpg", "two.jpg"], info.preprocessing)
with torch.inference_mode():
best = model(images).argmax(dim=1)
print([info.classes[k] for k in best])
"""

from sweeper.exported.description import Description, describe
from sweeper.exported.images import read_images
from sweeper.exported.model import load

__all__ = ["Description", "describe", "load", "read_images"]
