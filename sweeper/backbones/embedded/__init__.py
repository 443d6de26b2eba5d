"""The embedded backbone: a very small CLIP trained on drawings, shipped with the package."""
