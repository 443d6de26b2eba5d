"""`backbones`: every frozen network by name, and whether its weights are on disk."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweeper.cli import options
from sweeper.cli.output import print_json, print_rows, stderr
from sweeper.errors import InputError, Problem

if TYPE_CHECKING:
    from sweeper.backbones.backbone import BackboneInfo, Preprocessing

Name = Annotated[
    str | None, typer.Argument(help="One of them, or a pattern: 'timm/vit_base*', '*@openai'.")
]

GLOB = set("*?[")
HEADERS = ["backbone", "width", "depth", "patches", "pixels", "parameters", "preprocessing"]
HEADERS += ["licence", "ways in", "on disk"]


def backbones(name: Name = None, json: options.Json = False) -> None:
    """List the backbones of the papers, those that a pattern matches, or describe one. A file of
    weights (./vit_b.pth) is one too, and may say what it is like in all else:
    ./vit_b.pth@timm/vit_base_patch16_224.mae
    """
    from sweeper.backbones import towers

    chosen = [towers.find(each, Path.cwd()) for each in _chosen(name)]
    found = [
        (towers.describe(each.name, path=each.source), towers.weights_path(each.name, each.source))
        for each in chosen
    ]
    for note in (info.note for info, _ in found if info.note):
        stderr.print(f"warning: {note}", markup=False, soft_wrap=True)
    more = len(towers.names()) - len(found) if name is None else 0
    if json:
        print_json("backbones", backbones=[_data(*each) for each in found], more=more)
        return
    rows = [_row(*each) for each in found]
    if name is not None and not GLOB & set(name):
        about = [
            ["what it is", found[0][0].description],
            *map(list, zip(HEADERS, rows[0], strict=True)),
        ]
        print_rows(["", ""], about)
        return
    print_rows(HEADERS, rows)
    if more:
        hint = "`sweeper backbones 'openclip/*'`, 'timm/vit_base*', 'timm/resnet*'"
        stderr.print(f"{more} more of open_clip and timm: {hint}", markup=False)


def _chosen(name: str | None) -> list[str]:
    """The names that `name` stands for.

    Raises:
        InputError: a pattern that matches none.
    """
    from sweeper.backbones import towers

    if name is None:
        return towers.of_papers()
    if not GLOB & set(name):
        return [name]
    found = [each for each in towers.names() if fnmatchcase(each, name)]
    if not found:
        hint = "Names read 'openclip/<model>@<tag>' and 'timm/<model>.<tag>'."
        raise InputError(Problem("backbones", f"'{name}' matches none", "a name, or a part", hint))
    return found


def _row(info: BackboneInfo, weights: Path | None) -> list[str]:
    """What has no meaning for a network that is taken whole is blank."""
    return [
        info.name,
        str(info.width),
        str(info.depth or ""),
        f"{info.patches} of {info.patch} px" if info.patches else "",
        str(info.preprocessing.size),
        f"{info.parameters:,}",
        _preprocessing(info.preprocessing),
        info.licence or "as its release says",
        ", ".join(["pixels", *sorted(info.ways)]),
        "yes" if weights else "no",
    ]


def _data(info: BackboneInfo, weights: Path | None) -> dict[str, Any]:
    given = info.preprocessing
    return {
        "name": info.name,
        "description": info.description,
        "weights": info.weights,
        "width": info.width,
        "depth": info.depth,
        "patches": info.patches,
        "parameters": info.parameters,
        "size": given.size,
        "mean": given.mean,
        "std": given.std,
        "resize": given.resize,
        "interpolation": given.interpolation,
        "licence": info.licence or None,
        "ways": sorted(info.ways),
        "path": str(weights) if weights else None,
    }


def _preprocessing(given: Preprocessing) -> str:
    """Mean and std in the protocol's word or in numbers; how the image is cut, and scaled."""
    from sweeper.backbones.setting import NORMALISATIONS

    numbers = (
        f"mean {' '.join(f'{m:g}' for m in given.mean)} std {' '.join(f'{s:g}' for s in given.std)}"
    )
    words = {statistics: word for word, statistics in NORMALISATIONS.items()}
    word = words.get((given.mean, given.std), numbers)
    return f"{word}, {given.resize}, {given.interpolation}"
