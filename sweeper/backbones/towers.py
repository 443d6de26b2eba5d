"""The backbones by name: `embedded`, `openclip/<model>@<tag>`, `timm/<model>.<tag>`.

open_clip and timm take seconds to import, so they are imported only when weights or names of theirs
are needed: a sweep file that names `embedded` is checked without them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.backbones import shipped
from sweeper.backbones.backbone import BackboneInfo

if TYPE_CHECKING:
    import torch

    from sweeper.backbones.backbone import Backbone


def names() -> list[str]:
    """Every backbone that `load` takes, those of the papers first."""
    from sweeper.backbones import released, timm_release

    return ["embedded", *released.names(), *timm_release.names()]


def of_papers() -> list[str]:
    """The shipped backbone and those of the papers, the first of `names`."""
    from sweeper.backbones import released, timm_release

    return ["embedded", *released.FIRST, *timm_release.FIRST]


def weights_path(name: str) -> Path | None:
    """The file of the weights where it is on disk; no network.

    Raises:
        InputError: as `describe`.
    """
    if name == "embedded":
        return shipped.weights_path()
    if name.startswith("timm/"):
        from sweeper.backbones import timm_release

        return timm_release.weights_path(name)
    from sweeper.backbones import released

    return released.weights_path(name)


def describe(name: str) -> BackboneInfo:
    """What is known of a backbone before its weights are loaded.

    Raises:
        InputError: there is none of that name, or the tag's weights need another activation.
    """
    if name == "embedded":
        return shipped.describe()
    if name.startswith("timm/"):
        from sweeper.backbones import timm_release

        return timm_release.describe(name)
    from sweeper.backbones import released

    return released.describe(name)


def load(name: str, device: str | torch.device = "cpu") -> Backbone:
    """The backbone in float32 on `device`; weights are read strictly and never unpickled.

    Raises:
        InputError: as `describe`; or the weights are not to be had.
    """
    info = describe(name)
    if name.startswith("timm/"):
        from sweeper.backbones import timm_release

        return timm_release.backbone(timm_release.load(name).to(device), info)
    if name != "embedded":
        from sweeper.backbones import released

        return released.backbone(released.load(name).to(device), info)
    from sweeper.backbones.clip import ClipBackbone

    return ClipBackbone(shipped.load().to(device), info)
