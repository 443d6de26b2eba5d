"""The backbones by name: `embedded`, and `openclip/<model>@<pretrained tag>`.

open_clip takes seconds to import, so it is imported only when weights or its names are needed:
a sweep file that names `embedded` is checked without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeper.backbones import shipped
from sweeper.backbones.backbone import BackboneInfo

if TYPE_CHECKING:
    import torch

    from sweeper.backbones.clip import ClipBackbone


def names() -> list[str]:
    """Every backbone that `load` takes, those of the papers first."""
    from sweeper.backbones import released

    return ["embedded", *released.names()]


def describe(name: str) -> BackboneInfo:
    """What is known of a backbone before its weights are loaded.

    Raises:
        InputError: there is none of that name, or the tag's weights need another activation.
    """
    if name == "embedded":
        return shipped.describe()
    from sweeper.backbones import released

    return released.describe(name)


def load(name: str, device: str | torch.device = "cpu") -> ClipBackbone:
    """The backbone in float32 on `device`; weights are read strictly and never unpickled.

    Raises:
        InputError: as `describe`; or the weights are not to be had.
    """
    from sweeper.backbones import released
    from sweeper.backbones.clip import ClipBackbone

    info = describe(name)
    model = shipped.load() if name == "embedded" else released.load(name)
    return ClipBackbone(model.to(device), info)
