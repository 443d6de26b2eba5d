"""The backbones by name: `embedded`, `openclip/<model>@<tag>`, `timm/<model>.<tag>`.

open_clip and timm take seconds to import, so they are imported only when weights or names of theirs
are needed: a sweep file that names `embedded` is checked without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeper.backbones import shipped
from sweeper.backbones.backbone import BackboneInfo
from sweeper.backbones.shortcuts import ALL, Shortcuts

if TYPE_CHECKING:
    import torch

    from sweeper.backbones.backbone import Backbone


def names() -> list[str]:
    """Every backbone that `load` takes, those of the papers first."""
    from sweeper.backbones import released, timm_release

    return ["embedded", *released.names(), *timm_release.names()]


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


def load(name: str, device: str | torch.device = "cpu", *, shortcuts: Shortcuts = ALL) -> Backbone:
    """The backbone in float32 on `device`; weights are read strictly and never unpickled.

    Raises:
        InputError: as `describe`; or the weights are not to be had.
    """
    info = describe(name)
    if name.startswith("timm/"):
        from sweeper.backbones import timm_release
        from sweeper.backbones.vision import VisionBackbone

        return VisionBackbone(timm_release.load(name).to(device), info, shortcuts)
    from sweeper.backbones import released
    from sweeper.backbones.clip import ClipBackbone

    model = shipped.load() if name == "embedded" else released.load(name)
    return ClipBackbone(model.to(device), info, shortcuts)
