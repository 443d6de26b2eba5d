"""How the features of a `FrozenFeatures` method are come by: once a trial, or once a node.

Symbols: N images of a split, B images of a batch, F features.
"""

from __future__ import annotations

import hashlib
import platform
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

import sweeper.backbones
from sweeper import cache as node
from sweeper.backbones.backbone import Backbone
from sweeper.backbones.weights_digest import weights_digest
from sweeper.method import Plugin
from sweeper.spec.trial import Protocol
from sweeper.tasks.task import Split

# what of a protocol has no part in the features of given pixels
APART = {"selection", "train_on", "shots", "data_fraction", "template", "resize", "interpolation"}


@dataclass(frozen=True)
class Features:
    """`encode` [B, 3, H, W] -> [B, F] is the frozen tower itself, where a method says that it reads
    nothing else (`FEATURES = "tower"`). Such features are kept on disk under `key`, which
    has everything that they depend on beside the pixels. They never come from a method's own
    code, so none can put anything else there.
    """

    once: bool = True  # False: no features, the images go through the whole method at each step
    encode: Callable[[Tensor], Tensor] | None = None
    key: Mapping[str, str] | None = None

    @classmethod
    def of(
        cls, plugin: Plugin, backbone: Backbone, protocol: Protocol, device: torch.device
    ) -> Features:
        """How `plugin`'s are come by on `backbone`."""
        if plugin.features != "tower":
            return cls()
        return cls(encode=backbone.encode_image, key=tower_key(backbone, protocol, device))

    def values(self, split: Split, compute: Callable[[], Iterator[Tensor]]) -> Tensor:
        """Features [N, F] of `split`, which `compute` yields batch by batch if they are not kept.

        Mapped from the file where they are: the trials of a node share the memory.
        """
        if self.key is None or not len(split):
            return torch.cat(list(compute()))

        def make(draft: node.Draft) -> None:
            for found in compute():
                draft.append("values", found)

        try:
            return node.kept("features", {**self.key, "data": split.digest()}, make)["values"]
        except OSError as error:
            warnings.warn(f"features are not kept: {error}", stacklevel=2)
            return torch.cat(list(compute()))


ONCE = Features()  # once a trial, in memory
NEVER = Features(once=False)


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
