"""Frozen towers behind one interface; the only door to open_clip and timm."""
