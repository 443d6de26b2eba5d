"""Small networks of the real classes with random weights, that are taken whole."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from open_clip.coca_model import CoCa
from open_clip.model import CLIP, CustomTextCLIP
from timm.layers.norm_act import GroupNormAct
from timm.layers.std_conv import StdConv2d
from timm.models.eva import Eva
from timm.models.resnet import BasicBlock, ResNet
from timm.models.resnetv2 import ResNetV2
from torch import nn

from sweeper.backbones.backbone import Preprocessing
from sweeper.backbones.clip_config import describe_text, text_ways
from sweeper.backbones.whole import WholeBackbone, describe_network
from sweeper.seeds import keyed

TEXT = {"context_length": 40, "vocab_size": 49408, "width": 32, "heads": 4, "layers": 2}
CLIPS: dict[str, dict[str, Any]] = {
    "modified resnet": {
        "vision_cfg": {"layers": [1, 1, 1, 1], "width": 8, "image_size": 32, "head_width": 8},
        "text_cfg": TEXT,
    },
    "siglip": {
        "vision_cfg": {
            "timm_model_name": "test_vit3",
            "timm_pool": "map",
            "timm_proj": "none",
            "image_size": 160,
        },
        "text_cfg": {**TEXT, "no_causal_mask": True, "pool_type": "last", "proj_bias": True},
        "init_logit_bias": -10,
        "custom_text": True,
        "embed_dim": 96,
    },
    "coca": {
        "vision_cfg": {
            "image_size": 32,
            "patch_size": 8,
            "width": 48,
            "head_width": 12,
            "layers": 2,
            "attentional_pool": True,
            "attn_pooler_heads": 4,
            "output_tokens": True,
        },
        "text_cfg": {**TEXT, "embed_cls": True, "output_tokens": True},
        "multimodal_cfg": {"width": 24, "heads": 4, "layers": 1, "context_length": 40},
    },
}
EVA = {"img_size": 32, "patch_size": 8, "embed_dim": 48, "depth": 2, "num_heads": 4}
SIZES = {"siglip": 160}


def network(name: str) -> Any:
    """The network of that name, in training mode; norms and biases are drawn too."""
    with keyed(0, name):
        model = _made(name)
        with torch.no_grad():
            for value in model.parameters():
                if value.ndim == 1:
                    value.add_(0.2 * torch.randn_like(value))
            for part, value in model.named_buffers():
                if "running" in part:
                    value.add_(0.3 * torch.rand_like(value))
    return model.train()


def _made(name: str) -> nn.Module:
    if name == "resnet":
        return ResNet(BasicBlock, [1, 1, 1, 1], num_classes=20, channels=(8, 16, 24, 32))
    if name == "bit":
        return ResNetV2(
            (1, 1, 1, 1),
            (32, 64, 96, 128),
            num_classes=20,
            stem_chs=32,
            stem_type="fixed",
            conv_layer=partial(StdConv2d, eps=1e-8),
            norm_layer=partial(GroupNormAct, num_groups=8),
        )
    if name == "eva":
        return Eva(**EVA, num_classes=20, use_rot_pos_emb=True, ref_feat_shape=(4, 4))
    config = {"embed_dim": 24, **CLIPS[name]}
    custom = config.pop("custom_text", False)
    if name == "coca":
        return CoCa(**config)
    return (CustomTextCLIP if custom else CLIP)(**config)


def whole(name: str) -> WholeBackbone:
    """The backbone over `network(name)`."""
    model = network(name)
    about: dict[str, Any] = {
        "name": name,
        "weights": "random",
        "description": "random weights",
        "preprocessing": Preprocessing(
            SIZES.get(name, 32), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bicubic", "crop"
        ),
    }
    if name not in CLIPS:
        return WholeBackbone(
            model, describe_network(model, embed_dim=model.head_hidden_size, **about)
        )
    config = {"embed_dim": 24, **CLIPS[name]}
    about |= {"text_ways": text_ways(config), **describe_text(config)}
    info = describe_network(model.visual, embed_dim=config["embed_dim"], **about)
    return WholeBackbone(model, info)
