"""Which network a file of weights fills, deduced from its tensors' shapes, and whether it does.

A bare file of timm's names is taken for the released ViT of its shapes with timm's default tag;
the number of heads, the activation and the preprocessing are not in a file and come from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, lru_cache
from math import isqrt
from typing import Any

import timm

from sweeper.backbones import released, timm_release
from sweeper.backbones.backbone import BackboneInfo
from sweeper.backbones.weights_file import Shapes, WeightsFile
from sweeper.errors import InputError, Problem

BARE = re.compile(r"vit_[a-z]+_patch\d+_\d+")  # names of timm without anything unusual in them
PRE_NORM = "norm_pre.weight"  # of CLIP's image tower, by timm's names
CLIP_TENSORS = ("visual.conv1.weight", "visual.positional_embedding", "positional_embedding")
TEXT_BLOCKS = "transformer.resblocks."
SHOWN = 5  # tensors that a message names


def describe(file: WeightsFile) -> BackboneInfo:
    """The description of the network with these weights.

    Raises:
        InputError: the file cannot be read, does not say what it is, or lacks a tensor of what
            it is said to be, or has one too many.
    """
    return _described(file, file.identity)


@lru_cache(maxsize=64)
def _described(file: WeightsFile, identity: str) -> BackboneInfo:
    like = released_as(file)
    from_timm = like.startswith(timm_release.PREFIX)
    info = timm_release.describe(like) if from_timm else released.describe(like)
    classes = info.head_classes
    if from_timm:
        classes = _classes(like, file.shapes())
        hollow = timm_release.hollow(like, classes)
    else:
        hollow = released.hollow(like)
    _check(file, like, {name: tuple(value.shape) for name, value in hollow.state_dict().items()})
    ways = info.ways - {"head"} | ({"head"} if classes else set())
    note = "" if file.like else _note(file, like, info)
    return replace(
        info,
        name=file.name,
        weights=identity,
        description=f"the user's file {file.path.name}, as {like} in all else",
        head_classes=classes,
        ways=frozenset(ways),
        note=note,
    )


def released_as(file: WeightsFile) -> str:
    """The released backbone that the file is like: as said, or as its shapes say.

    Raises:
        InputError: nothing is said, and the shapes alone do not tell.
    """
    if file.like:
        return file.like
    shapes = file.shapes()
    if CLIP_TENSORS[0] in shapes:
        raise _ask(
            file,
            "tensors of an open_clip model do not say their activation",
            f"{file.path.name}@openclip/<model>@<tag>",
            sorted(_clips(shapes)),
        )
    if PRE_NORM in shapes:
        raise _ask(
            file,
            f"a ViT with '{PRE_NORM}' is a CLIP's, whose tensors do not say their activation",
            f"{file.path.name}@timm/<model>.<tag>",
            [],
        )
    found = list(_vits(shapes))
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"'{name}' {list(shape)}" for name, shape in list(shapes.items())[:SHOWN])
    raise _ask(
        file,
        f"its {len(shapes)} tensors, {names}, are not those of a plain ViT that timm releases",
        f"{file.path.name}@timm/<model>.<tag>",
        found,
    )


def _ask(file: WeightsFile, got: str, written: str, fitting: list[str]) -> InputError:
    hint = f"Of these its shapes fit: {', '.join(fitting)}." if fitting else ""
    rule = f"'{written}', whose architecture, activation and preprocessing it then has"
    return InputError(Problem(f"backbone '{file.name}'", got, rule, hint))


def _note(file: WeightsFile, like: str, info: BackboneInfo) -> str:
    seen = info.preprocessing
    return (
        f"'{file.name}' is taken for {like}: {seen.size} pixels ({seen.interpolation}, "
        f"{seen.resize}), mean {list(seen.mean)}, std {list(seen.std)}, pooling {info.pooling}; "
        f"to say otherwise write {file.path.name}@timm/<model>.<tag>"
    )


def _vits(shapes: Shapes) -> Iterator[str]:
    """The plain ViTs of timm, each with its default tag, that have these shapes."""
    kernel, positions = shapes.get("patch_embed.proj.weight", ()), shapes.get("pos_embed", ())
    if len(kernel) != 4 or len(positions) != 3:
        return
    patch, patches = kernel[-1], positions[1] - 1
    told = (kernel[0], _depth("blocks.", shapes), patch, patches)
    for name in _defaults():
        if f"_patch{patch}_{patch * isqrt(max(0, patches))}." in name:
            info = timm_release.describe(name)
            if told == (info.width, info.depth, info.patch, info.patches):
                yield name


@cache
def _defaults() -> tuple[str, ...]:
    """The released plain ViTs, each with timm's default tag."""
    released_here = {name.removeprefix(timm_release.PREFIX) for name in timm_release.names()}
    architectures = dict.fromkeys(sorted(name.partition(".")[0] for name in released_here))
    tagged = (
        f"{each}.{timm.get_pretrained_cfg(each).tag}"  # type: ignore[union-attr]
        for each in architectures
        if BARE.fullmatch(each)
    )
    return tuple(f"{timm_release.PREFIX}{each}" for each in tagged if each in released_here)


def _clips(shapes: Shapes) -> Iterator[str]:
    """The CLIPs of open_clip that have these shapes."""
    kernel, positions, text = (shapes.get(name, ()) for name in CLIP_TENSORS)
    if not (len(kernel) == 4 and len(positions) == len(text) == 2):
        return
    blocks = (_depth("visual.transformer.resblocks.", shapes), _depth(TEXT_BLOCKS, shapes))
    for name in released.names():
        info = released.describe(name)
        size = (info.width, info.patch, 1 + info.patches, info.text_context, info.text_width)
        told = (kernel[0], kernel[-1], positions[0], *text)
        if told == size and blocks == (info.depth, info.text_depth):
            yield name


def _depth(prefix: str, shapes: Shapes) -> int:
    """How many blocks there are whose tensors begin with `prefix` and a number."""
    numbers = (name[len(prefix) :].partition(".")[0] for name in shapes if name.startswith(prefix))
    return len(set(numbers))


def _classes(like: str, shapes: Shapes) -> int:
    """How many classes the file's own head has; 0 without one."""
    config: Any = timm.get_pretrained_cfg(like.removeprefix(timm_release.PREFIX))
    return shapes.get(f"{config.classifier}.weight", (0,))[0]


def _check(file: WeightsFile, like: str, expected: Shapes) -> None:
    """Raises InputError unless the file has exactly these tensors."""
    shapes = file.shapes()
    wrong = [f"'{name}' is missing" for name in expected if name not in shapes]
    wrong += [f"'{name}' is not one of its tensors" for name in shapes if name not in expected]
    wrong += [
        f"'{name}' is {list(shapes[name])}, not {list(shape)}"
        for name, shape in expected.items()
        if name in shapes and shapes[name] != shape
    ]
    if not wrong:
        return
    more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    raise InputError(
        Problem(
            f"backbone '{file.name}'",
            "; ".join(wrong[:SHOWN]) + more,
            f"exactly the tensors of {like}",
            f"Say what it is, {file.path.name}@timm/<model>.<tag> or @openclip/<model>@<tag>, or "
            "save the state_dict of that network alone.",
        )
    )
