"""The snapshots of a trial: after which epochs they are kept, and what their files are called."""

from __future__ import annotations


def snapshot_epochs(snapshots: int, epochs: int) -> list[int]:
    """After which of `epochs` epochs, counted from 1, a trial keeps what it has trained: so many,
    evenly spaced, the last among them; every epoch where there are no more.
    """
    return sorted({-(-epochs * place // snapshots) for place in range(1, snapshots + 1)} - {0})


def snapshot_file(epoch: int) -> str:
    """The name of the file of one of them."""
    return f"epoch_{epoch}.safetensors"
