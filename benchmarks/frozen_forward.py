"""What each shortcut of the frozen forward gains: `python benchmarks/frozen_forward.py [weights]`.

Prints ratios of CPU seconds, forward and backward, one thread: the median over alternated rounds,
and the smallest and largest. `alone`: the plain way against it with that one shortcut; `of all`:
all shortcuts but that one against all. Weights are random, or for ViT-Ti those of a safetensors
file with timm's names. What comes out is compared before anything is timed.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import open_clip
import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from sweeper.backbones import shipped
from sweeper.backbones.backbone import Backbone, BackboneInfo, Preprocessing
from sweeper.backbones.clip import ClipBackbone
from sweeper.backbones.clip_config import describe_config
from sweeper.backbones.prompts import Prompts
from sweeper.backbones.shortcuts import ALL, PLAIN, Shortcuts
from sweeper.backbones.vision import VisionBackbone, describe_model

PROMPTS, CLASSES = 32, 5
HALF = (0.5, 0.5, 0.5)
PREPROCESSING = Preprocessing(224, HALF, HALF, "bicubic", "crop")
ABOUT: Mapping[str, Any] = {
    "weights": "random",
    "description": "",
    "preprocessing": PREPROCESSING,
    "max_prompts": 256,
}
Step = Callable[[], Tensor]
Make = Callable[[Shortcuts], Backbone]


def seconds(step: Step, times: int) -> float:
    """Seconds of one forward pass, and backward where there is something to train."""
    start = time.process_time()
    for _ in range(times):
        found = step().sum()
        if found.requires_grad:
            found.backward()
    return (time.process_time() - start) / times


def timed(steps: Mapping[str, Step], rounds: int, times: int) -> dict[str, list[float]]:
    """Seconds of each step in each round, one after the other in a round."""
    for step in steps.values():
        seconds(step, 1)
    found: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            found[name].append(seconds(step, times))
    return found


def ratio(slow: list[float], fast: list[float]) -> str:
    """Median of the rounds' ratios, and their range."""
    found = [one / other for one, other in zip(slow, fast, strict=True)]
    return f"{statistics.median(found):7.2f} ({min(found):.2f} to {max(found):.2f})"


def compare(
    title: str, names: list[str], step_with: Callable[[Shortcuts], Step], **how: int
) -> None:
    """One line for each shortcut, and one for all of them."""
    settings = {"plain": PLAIN, "all": ALL}
    settings |= {f"+{name}": replace(PLAIN, **{name: True}) for name in names}
    settings |= {f"-{name}": replace(ALL, **{name: False}) for name in names}
    steps = {name: step_with(taken) for name, taken in settings.items()}
    expected = steps["plain"]()
    for step in steps.values():
        found = step()
        error = (found - expected).abs().max() / expected.abs().max()
        assert error < 1e-4, f"{title}: {error}"
    took = timed(steps, **how)
    for name in names:
        alone, kept = ratio(took["plain"], took[f"+{name}"]), ratio(took[f"-{name}"], took["all"])
        print(f"{title:28} {name:9} alone {alone}   of all {kept}")
    whole = 1000 * statistics.median(took["all"])
    print(f"{title:28} {'all':9} plain / all {ratio(took['plain'], took['all'])}, {whole:.0f} ms")


def of_images(title: str, make: Make, batch: int, **how: int) -> None:
    """A step of VPT-deep: prompts that are replaced in each block."""
    info = make(ALL).info
    size = info.preprocessing.size
    images = torch.randn(batch, 3, size, size)
    drawn = torch.randn(info.depth, PROMPTS, info.width, requires_grad=True)

    def step_with(taken: Shortcuts) -> Step:
        backbone = make(taken)
        return lambda: backbone.encode_image(images, Prompts(drawn[0], deeper=drawn[1:]))

    compare(f"{title}, VPT-deep x {batch}", ["fused", "replaced", "last"], step_with, **how)


def of_texts(title: str, make: Make, **how: int) -> None:
    """A step of CoOp's text path: a context before each class name."""
    names = [" ".join("X" * 16) + f" {name}." for name in ("cat", "dog", "red car", "sea", "tree")]
    context = torch.randn(16, make(ALL).info.text_width, requires_grad=True)

    def step_with(taken: Shortcuts) -> Step:
        backbone = make(taken)
        embeddings, end = backbone.embed_text(names)
        ours = context.expand(CLASSES, -1, -1)

        def step() -> Tensor:
            texts = torch.cat((embeddings[:, :1], ours, embeddings[:, 17:]), 1)
            return backbone.encode_text(texts, end)

        return step

    compare(f"{title}, CoOp x {CLASSES} texts", ["fused", "cut"], step_with, **how)
    fresh, kept = make(replace(ALL, kept=False)), make(ALL)
    steps = {
        "fresh": lambda: fresh.classifier(names, "{}"),
        "kept": lambda: kept.classifier(names, "{}"),
    }
    took = timed(steps, rounds=how["rounds"], times=1)
    milliseconds = 1000 * statistics.median(took["fresh"])
    print(
        f"{title:28} kept      a classifier of {CLASSES} texts once: {milliseconds:.0f} ms a trial"
    )


def of_features(title: str, make: Make, batch: int, rounds: int) -> None:
    """A step of a linear probe from images and from features that were kept."""
    backbone = make(ALL)
    size = backbone.info.preprocessing.size
    images = torch.randn(batch, 3, size, size)
    head = nn.Linear(backbone.info.embed_dim, 100)
    features = backbone.encode_image(images)
    slow = timed({"images": lambda: head(backbone.encode_image(images))}, rounds, 1)
    fast = timed({"features": lambda: head(features)}, rounds, 200)
    print(f"{title:28} features  probe epoch {ratio(slow['images'], fast['features'])}")


def of_tokens(title: str, make: Make, batch: int, rounds: int) -> None:
    """A step of VPT-deep that enters at half depth, from images and from tokens that were kept."""
    backbone = make(ALL)
    info, size = backbone.info, backbone.info.preprocessing.size
    half = info.depth // 2
    images = torch.randn(batch, 3, size, size)
    drawn = torch.randn(info.depth - half, PROMPTS, info.width, requires_grad=True)

    def entering() -> Prompts:
        return Prompts(drawn[0], deeper=drawn[1:], first_block=half)

    kept = backbone.enter(images, half)
    steps: dict[str, Step] = {
        "images": lambda: backbone.encode_image(images, entering()),
        "tokens": lambda: backbone.encode_from(kept, entering()),
    }
    torch.testing.assert_close(steps["tokens"](), steps["images"](), rtol=1e-4, atol=1e-4)
    took = timed(steps, rounds, 1)
    each, told = kept[0].nbytes // 1024, ratio(took["images"], took["tokens"])
    print(f"{title:28} tokens    from block {half} {told}, {each} KiB an image")


def library(title: str, model: Any, info: BackboneInfo, batch: int, **how: int) -> None:
    """open_clip's own modules around the same prompts, every token to the end."""
    size = info.preprocessing.size
    images, prompts = torch.randn(batch, 3, size, size), torch.randn(PROMPTS, info.width)
    prompts.requires_grad_()
    backbone, visual = ClipBackbone(model, info), model.visual

    def theirs() -> Tensor:
        patches = visual.conv1(images).flatten(2).transpose(1, 2)
        cls = visual.class_embedding.expand(len(images), 1, -1)
        tokens = torch.cat((cls, patches), 1) + visual.positional_embedding
        tokens = torch.cat((tokens, prompts.expand(len(images), -1, -1)), 1)
        tokens = visual.transformer(visual.ln_pre(tokens))
        return visual.ln_post(tokens)[:, 0] @ visual.proj

    ours: Step = lambda: backbone.encode_image(images, prompts)  # noqa: E731
    torch.testing.assert_close(ours(), theirs(), rtol=1e-4, atol=1e-4)
    took = timed({"theirs": theirs, "ours": ours}, **how)
    print(f"{title:28} library   library / ours {ratio(took['theirs'], took['ours'])}")


def building(config: Mapping[str, Any], state: Mapping[str, Tensor]) -> None:
    """A CLIP ViT-B/32 with weights at hand: initialised and copied, or assigned to a hollow one."""

    def usual() -> Any:
        model = open_clip.CLIP(**config)
        model.load_state_dict(state)
        return model

    def hollow() -> Any:
        with torch.device("meta"):
            model = open_clip.CLIP(**config)
        model.load_state_dict(state, assign=True)
        length = model.context_length  # the mask is no weight
        model.attn_mask = torch.full((length, length), -torch.inf).triu(1)
        return model

    took: dict[str, list[float]] = {"usual": [], "hollow": []}
    for _ in range(3):
        for name, build in (("usual", usual), ("hollow", hollow)):
            start = time.process_time()
            build()
            took[name].append(time.process_time() - start)
    milliseconds = 1000 * statistics.median(took["hollow"])
    told = f"usual / meta device {ratio(took['usual'], took['hollow'])}, {milliseconds:.0f} ms"
    print(f"{'ViT-B/32':28} building  {told}")


def tiny(weights: Path | None) -> Make:
    """ViT-Ti/16 at 224 pixels."""
    model: Any = timm.create_model("vit_tiny_patch16_224")
    if weights is not None:
        model.load_state_dict(load_file(weights))
    info = describe_model(model, name="ViT-Ti/16", **ABOUT)
    return lambda taken: VisionBackbone(model, info, taken)


def main() -> None:
    """The three towers, one after the other."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print("ratios of CPU seconds, forward and backward, one thread: median (smallest to largest)")
    small, about = shipped.load(), shipped.describe()
    embedded: Make = lambda taken: ClipBackbone(small, about, taken)  # noqa: E731
    of_images("embedded", embedded, 16, rounds=5, times=3)
    of_texts("embedded", embedded, rounds=5, times=3)
    of_features("embedded", embedded, 32, rounds=5)
    of_tokens("embedded", embedded, 32, rounds=5)
    library("embedded", small, about, 32, rounds=5, times=3)

    vit = tiny(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    of_images("ViT-Ti/16", vit, 4, rounds=3, times=1)
    of_features("ViT-Ti/16", vit, 4, rounds=3)
    of_tokens("ViT-Ti/16", vit, 4, rounds=3)

    config = open_clip.get_model_config("ViT-B-32-quickgelu")
    large = open_clip.CLIP(**config)
    info = describe_config(config, name="ViT-B/32", **ABOUT)
    clip: Make = lambda taken: ClipBackbone(large, info, taken)  # noqa: E731
    of_images("ViT-B/32", clip, 4, rounds=3, times=1)
    of_texts("ViT-B/32", clip, rounds=3, times=1)
    of_features("ViT-B/32", clip, 4, rounds=3)
    of_tokens("ViT-B/32", clip, 4, rounds=3)
    library("ViT-B/32", large, info, 2, rounds=3, times=1)
    building(config, large.state_dict())


if __name__ == "__main__":
    main()
