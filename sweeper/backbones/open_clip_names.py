"""open_clip's weights of a transformer by timm's names, which `block` and the towers read."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from sweeper.backbones.block import BlockShape

# open_clip's name of a part of a block -> timm's
BLOCK_PARTS = {
    "ln_1": "norm1",
    "attn.in_proj_": "attn.qkv.",
    "attn.out_proj": "attn.proj",
    "ls_1": "ls1",
    "ln_2": "norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "ls_2": "ls2",
}


def named(name: str, module: nn.Module) -> dict[str, Tensor]:
    """The weights of `module` under `name`."""
    return {f"{name}.{part}": value for part, value in module.named_parameters()}


def blocks(resblocks: nn.ModuleList) -> dict[str, Tensor]:
    """The weights of `resblocks` as `blocks.<i>.<part>`."""
    found: dict[str, Tensor] = {}
    for number, block in enumerate(resblocks):
        for name, value in block.named_parameters():
            part = next(part for part in BLOCK_PARTS if name.startswith(part))
            found[f"blocks.{number}.{BLOCK_PARTS[part]}{name.removeprefix(part)}"] = value
    return found


def block_shape(block: Any) -> BlockShape:
    """What the weights of a `ResidualAttentionBlock` do not say."""
    return BlockShape(block.attn.num_heads, block.mlp.gelu, block.ln_1.eps)
