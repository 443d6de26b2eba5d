"""A network taken whole: images in, features out, by the library's own forward.

What is not a plain ViT (ResNets, hybrids, pooling by attention, rotary positions) has no way in
but its pixels, its classifier and, where it has one, its text tower.

Symbols: B images, E width of the features, C classes of the weights' own classifier, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from open_clip.tokenizer import tokenize
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.backbones.backbone import BackboneInfo, Preprocessing
from sweeper.backbones.clip import logit_scale
from sweeper.backbones.image_tower import Trace
from sweeper.backbones.prompts import Adapter, Prompts
from sweeper.backbones.shortcuts import ALL, Shortcuts
from sweeper.backbones.texts import Texts, Tokenizer


class WholeBackbone:
    """A frozen network. Not an `nn.Module`: a method that keeps it owns none of its weights."""

    def __init__(
        self,
        model: nn.Module,
        info: BackboneInfo,
        shortcuts: Shortcuts = ALL,
        tokenizer: Callable[[], Tokenizer] = lambda: tokenize,
    ) -> None:
        """Freeze `model`, timm's or open_clip's, in place; its batch norms keep what they hold.

        The only shortcut is that texts are kept.
        """
        self.info = info
        self._model: Any = model.requires_grad_(False).eval()
        self._texts = Texts(model, info, shortcuts, tokenizer) if "text" in info.ways else None
        self.logit_scale = logit_scale(model)

    def tensors(self) -> Mapping[str, Tensor]:
        """Every weight and buffer by name: to compare, never to write."""
        return dict(self._model.named_parameters()) | dict(self._model.named_buffers())

    @property
    def image_weights(self) -> Mapping[str, Tensor]:
        """Raises ValueError: they have no names that are common to all towers."""
        self._refuse("weights")

    def embed_image(self, images: Tensor) -> Tensor:  # noqa: ARG002
        """Raises ValueError: it has no tokens."""
        self._refuse("tokens")

    def encode_image(
        self,
        images: Tensor,
        prompts: Tensor | Prompts | None = None,
        *,
        weights: Mapping[str, Tensor] | None = None,
        adapter: Adapter | None = None,
    ) -> Tensor:
        """Unnormalised features [B, E] of images [B, 3, H, W], with gradients to the pixels.

        Raises:
            ValueError: there are prompts, weights or an adapter, which have no way in.
        """
        for what, given in (("prompts", prompts), ("weights", weights), ("adapters", adapter)):
            if given is not None:
                self._refuse(what)
        if hasattr(self._model, "visual"):
            found = self._model.visual(images)
            features: Tensor = found[0] if isinstance(found, tuple) else found
        else:
            found = self._model.forward_features(images)
            features = self._model.forward_head(found, pre_logits=True)
        return features

    def enter(self, images: Tensor, block: int) -> Tensor:  # noqa: ARG002
        """Raises ValueError: it has no blocks."""
        self._refuse("tokens")

    def encode_from(self, tokens: Tensor, prompts: Prompts) -> Tensor:  # noqa: ARG002
        """Raises ValueError: it has no blocks."""
        self._refuse("tokens")

    def trace_image(
        self,
        images: Tensor,  # noqa: ARG002
        prompts: Tensor | Prompts | None = None,  # noqa: ARG002
        *,
        weights: Mapping[str, Tensor] | None = None,  # noqa: ARG002
        adapter: Adapter | None = None,  # noqa: ARG002
    ) -> tuple[Trace, Tensor]:
        """Raises ValueError: there is nothing to see inside."""
        self._refuse("a trace")

    def head_logits(self, features: Tensor) -> Tensor:
        """Logits [B, C] of features [B, E]. Raises ValueError where the weights have no head."""
        if not self.info.head_classes:
            raise ValueError(f"backbone '{self.info.name}' has no head of its own")
        head = own_classifier(self._model)
        assert head is not None  # what `head_classes` counts
        return F.linear(features, head.weight.flatten(1), head.bias)

    def embed_text(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Embeddings [K, T, D_t] of texts and the place [K] of their end, see `Texts.embed`."""
        return self._with_text().embed(texts)

    def encode_text(
        self, embeddings: Tensor, end: Tensor, deeper: Tensor | None = None, first: int = 1
    ) -> Tensor:
        """Unnormalised text features [K, E] of embeddings [K, T, D_t], see `Texts.encode`."""
        return self._with_text().encode(embeddings, end, deeper, first)

    def classifier(self, classes: Sequence[str], template: str) -> Tensor:
        """Unit text features [K, E], see `Texts.classifier`."""
        return self._with_text().classifier(classes, template)

    def _with_text(self) -> Texts:
        if self._texts is None:
            raise ValueError(f"backbone '{self.info.name}' has no text tower")
        return self._texts

    def _refuse(self, what: str) -> NoReturn:
        raise ValueError(
            f"backbone '{self.info.name}' is taken whole: it has no way in for {what}; it offers "
            f"pixels{''.join(f', {way}' for way in sorted(self.info.ways))}"
        )


def own_classifier(model: Any) -> nn.Linear | nn.Conv2d | None:
    """The classifier of a timm model where it is one layer on the features.

    A linear one, or BiT's 1x1 convolution; DeiT's two heads on two tokens are not.
    """
    found = model.get_classifier() if hasattr(model, "get_classifier") else None
    return found if isinstance(found, nn.Linear | nn.Conv2d) else None


def describe_network(
    network: Any,
    *,
    name: str,
    weights: str,
    description: str,
    preprocessing: Preprocessing,
    embed_dim: int,
    text_ways: frozenset[str] = frozenset(),
    text_width: int = 0,
    text_depth: int = 0,
    text_context: int = 0,
    licence: str = "",
) -> BackboneInfo:
    """The description of an image network, on whatever device (also `meta`) it stands.

    Its depth and patches are 0 where it has no blocks over patches.
    """
    head = own_classifier(network)
    trunk = getattr(network, "trunk", network)
    embed, blocks = getattr(trunk, "patch_embed", None), getattr(trunk, "blocks", ())
    grid = trunk.grid_size if hasattr(trunk, "grid_size") else getattr(embed, "grid_size", None)
    patches = grid[0] * grid[1] if grid else 0
    own = () if head is None else head.parameters()
    return BackboneInfo(
        name=name,
        weights=weights,
        description=f"{description}, taken whole",
        width=embed_dim,
        depth=len(trunk.transformer.resblocks) if hasattr(trunk, "transformer") else len(blocks),
        heads=0,
        patch=preprocessing.size // grid[0] if grid else 0,
        patches=patches,
        embed_dim=embed_dim,
        max_prompts=0,
        parameters=sum(p.numel() for p in network.parameters()) - sum(p.numel() for p in own),
        preprocessing=preprocessing,
        ways=text_ways | ({"head"} if head is not None else set()),
        prefix=0,
        head_classes=0 if head is None else head.weight.shape[0],
        text_width=text_width,
        text_depth=text_depth,
        text_context=text_context,
        licence=licence,
    )
