"""How features that nothing trainable touches are come by: once a trial, or once a node.

Symbols: N images of a split, B images of a batch, F features, T tokens, D width.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path

import torch
from torch import Tensor, nn

import sweeper.backbones
from sweeper import cache as node
from sweeper.backbones.backbone import Backbone
from sweeper.backbones.weights_digest import weights_digest
from sweeper.method import EntersLate, Plugin
from sweeper.spec.trial import Protocol, Recipe
from sweeper.tasks.task import Split

# what of a protocol has no part in the features of given pixels
APART = {"selection", "train_on", "shots", "data_fraction", "template", "resize", "interpolation"}


@dataclass(frozen=True)
class Features:
    """`encode` [B, 3, H, W] -> [B, F] or [B, T, D] is the frozen tower itself, to its end or up to
    a block, where a method says that it reads nothing else (`FEATURES = "tower"`, `EntersLate`).
    Such features are kept on disk under `key`, which has everything that they depend on beside
    the pixels. They never come from a method's own code, so none can put anything else there.
    """

    once: bool = True  # False: no features, the images go through the whole method at each step
    encode: Callable[[Tensor], Tensor] | None = None
    reads: str = ""  # what `encode` is
    each: int = 0  # bytes of an image, where it is so many that there may be no room; else 0
    key: Mapping[str, str] | None = None  # None: not kept for other trials

    @classmethod
    def of(cls, plugin: Plugin, method: nn.Module, backbone: Backbone, recipe: Recipe) -> Features:
        """How those of `method`, made by `plugin` on `backbone`, are come by in a trial alone.

        Images that change from epoch to epoch have no tokens to keep; nor has val beside them.
        """
        if plugin.features == "tower":
            return cls(encode=backbone.encode_image, reads="features")
        block = method.reads_block if isinstance(method, EntersLate) else 0
        if block and recipe.augmentation == "none":
            info = backbone.info
            each = 4 * (info.prefix + info.patches) * info.width
            enter = partial(backbone.enter, block=block)
            return cls(encode=enter, reads=f"tokens of block {block}", each=each)
        return cls()

    def shared(self, backbone: Backbone, protocol: Protocol, device: torch.device) -> Features:
        """The same, kept for other trials on this node where they are the tower's."""
        if self.encode is None:
            return self
        return replace(self, key={**tower_key(backbone, protocol, device), "reads": self.reads})

    def has_room(self, split: Split, device: torch.device) -> bool:
        """Whether those of `split` take no more than half of the free memory, here and on the
        device, and of the free disk if they are to be kept there and are not yet.
        """
        if not self.each:
            return True
        room = free_memory()
        if device.type == "cuda":
            room = min(room, torch.cuda.mem_get_info(device)[0])
        if self.key is not None and not node.has("features", self._key_of(split)):
            room = min(room, _free_disk(node.root()))
        return self.each * len(split) <= room // 2

    def values(self, split: Split, compute: Callable[[], Iterator[Tensor]]) -> Tensor:
        """Features [N, ...] of `split`, which `compute` yields batch by batch if they are not kept.

        Mapped from the file where they are: the trials of a node share the memory.
        """
        if self.key is None or not len(split):
            return torch.cat([found.cpu() for found in compute()])

        def make(draft: node.Draft) -> None:
            for found in compute():
                draft.append("values", found)

        try:
            return node.kept("features", self._key_of(split), make)["values"]
        except OSError as error:
            warnings.warn(f"features are not kept: {error}", stacklevel=2)
            return torch.cat([found.cpu() for found in compute()])

    def _key_of(self, split: Split) -> dict[str, str]:
        return {**(self.key or {}), "data": split.digest()}


ONCE = Features()  # once a trial, in memory
NEVER = Features(once=False)


def free_memory() -> int:
    """Bytes of memory that are free or only cache files; all there is where Linux does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if "MemAvailable" in line)
    except (OSError, StopIteration):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _free_disk(folder: Path) -> int:
    """Bytes that are free where `folder` is or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def tower_key(backbone: Backbone, protocol: Protocol, device: torch.device) -> dict[str, str]:
    """All that the tower's features of given pixels depend on, down to their last bits."""
    cuda = device.type == "cuda"
    info = backbone.info
    words = protocol.model_dump(mode="json", exclude=APART)
    here = {"cpu": torch.backends.cpu.get_cpu_capability(), "threads": torch.get_num_threads()}
    return {
        "weights": weights_digest(backbone),
        "backbone": f"{info.name} {info.weights} {info.pooling} {info.setting}",
        "preprocessing": str(sorted(asdict(info.preprocessing).items())),
        "protocol": str(sorted(words.items())),
        "device": torch.cuda.get_device_name(device) if cuda else f"{platform.machine()} {here}",
        "torch": f"{torch.__version__} {torch.get_float32_matmul_precision()}",
        "code": _code_digest(),
    }


@cache
def _code_digest() -> str:
    """Digest of the forward's own code: another order of operations moves the last bits."""
    found = hashlib.sha256()
    for path in sorted(Path(sweeper.backbones.__path__[0]).glob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()
