"""The backbones by name: shipped, `openclip/<model>@<tag>`, `timm/<model>.<tag>`, or a file.

A user's file of weights is called by its file name, `vit_b.pth` or `vit_b.pth@timm/<model>.<tag>`,
free of paths; `path` says where it lies.

open_clip and timm take seconds to import, so they are imported only when weights or names of theirs
are needed: a sweep file that names `embedded` is checked without them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeper.backbones import shipped
from sweeper.backbones.backbone import BackboneInfo
from sweeper.backbones.setting import AS_RELEASED, Setting
from sweeper.backbones.shortcuts import ALL, Shortcuts
from sweeper.backbones.weights_file import WeightsFile
from sweeper.errors import InputError, Problem
from sweeper.spec.catalog import Weights
from sweeper.spec.sources import SUFFIXES, is_weights_path, parted

if TYPE_CHECKING:
    import torch

    from sweeper.backbones.backbone import Backbone


def names() -> list[str]:
    """Every backbone that `load` takes, those of the papers first."""
    from sweeper.backbones import released, timm_release

    return [*shipped.names(), *released.names(), *timm_release.names()]


def of_papers() -> list[str]:
    """The shipped backbones and those of the papers, the first of `names`."""
    from sweeper.backbones import released, timm_release

    return [*shipped.names(), *released.FIRST, *timm_release.FIRST]


def weights_path(name: str, path: str = "") -> Path | None:
    """The file of the weights where it is on disk; no network.

    Raises:
        InputError: as `describe`.
    """
    if path:
        return Path(path)
    if name in shipped.names():
        return shipped.weights_path()
    found: Path | None = _release(name).weights_path(name)
    return found


def fetch(name: str) -> Path:
    """The file of released weights, by the library's own download where it is not on disk.

    Raises:
        InputError: as `describe`; or the weights are not to be had.
    """
    found: Path = weights_path(name) or _release(name).fetch(name)
    return found


def find(written: str, folder: Path) -> Weights:
    """The backbone that a user writes as `written`: a name, or a file of weights relative to
    `folder`, with '@' and a name where it says what the file is like.

    Raises:
        InputError: as `describe`.
    """
    if not is_weights_path(written):
        return Weights(written, describe(written).weights)
    file = WeightsFile.written(written, folder)
    path = str(file.path)
    return Weights(file.name, describe(file.name, path=path).weights, path)


def describe(name: str, setting: Setting = AS_RELEASED, *, path: str = "") -> BackboneInfo:
    """What is known of a backbone under `setting`, before its weights are loaded.

    Raises:
        InputError: there is none of that name, the tag's weights need another activation, it
            cannot have the setting, or the file at `path` is not what it has to be.
    """
    return setting.described(_released(name, path))


def load(
    name: str,
    device: str | torch.device = "cpu",
    setting: Setting = AS_RELEASED,
    *,
    path: str = "",
    shortcuts: Shortcuts = ALL,
) -> Backbone:
    """The backbone in float32 on `device`; weights are read strictly and never unpickled.

    Raises:
        InputError: as `describe`; or the weights are not to be had.
    """
    info = describe(name, setting, path=path)
    like, state = name, None
    if path:
        from sweeper.backbones.architecture import released_as

        file = WeightsFile.at(name, path)
        like, state = released_as(file), file.state(info.weights)
    if like in shipped.names():
        from sweeper.backbones.clip import ClipBackbone

        return ClipBackbone(shipped.load(like).to(device), info, shortcuts)
    release = _release(like)
    model = release.load(like, state).to(device)
    found: Backbone = release.backbone(model, info, like, shortcuts)
    return found


def _released(name: str, path: str) -> BackboneInfo:
    """The description as released, or of the file."""
    if path:
        from sweeper.backbones import architecture

        return architecture.describe(WeightsFile.at(name, path))
    if name in shipped.names():
        return shipped.describe(name)
    if parted(name)[0].endswith(SUFFIXES):
        rule = f"its path, such as ./{name}"
        raise InputError(Problem(f"backbone '{name}'", "the name of a file", rule))
    found: BackboneInfo = _release(name).describe(name)
    return found


def _release(name: str) -> Any:
    """The module of the library that releases the backbone of that name."""
    if name.startswith("timm/"):
        from sweeper.backbones import timm_release

        return timm_release
    from sweeper.backbones import released

    return released
