"""The tables of the papers that are about data, settings and networks, as they are here.

Each function gives rows under the labels and columns of the published table, in its notation;
what this project does not know is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.info import Rows, Value
    from reports.published import Paper, PublishedTable
    from sweeper.spec.targets import Shown
    from sweeper.tasks.dataset import DataSet

TARGETS: Mapping[str, str] = {  # published table -> what here knows it
    "pgn/T7": "data",
    "pgn/T7prompt": "data",
    "vp/T6": "data",
    "spt/S1": "data",
    "pgn/T8": "settings",
    "pgn/T9": "trunk",
    "vp/T3": "models",
}
SPACES = "search_spaces"
PROFILE = "paper"
NONE = "-"  # as the papers print it
COLUMNS = {  # of PGN's Table 8 -> a setting of ours
    "Epochs": "epochs",
    "Number of prompts": "prompt_length",
    "TL Size": "library_size",
    "PGN resolution": "resolution",
}
SIDE = 224  # pixels, of PGN's Table 9


def registered(target: str, paper: Paper, shown: Sequence[Shown]) -> Rows | None:
    """Our own rows of the published table `target`; None where it is no such table."""
    table = paper.tables[target.partition("/")[2]]
    match TARGETS.get(target):
        case "data":
            return data_rows(table)
        case "settings":
            return setting_rows(table, shown, paper.paper)
        case "trunk":
            return resnet10_rows()
        case "models":
            return model_rows(table, paper.backbone)
        case _:
            return None


def data_rows(table: PublishedTable) -> Rows:
    """Images of each split, classes and text of the data sets that are declared here.

    Where the paper prints no validation images, ours are counted with those for training.
    """
    from sweeper.tasks.sets import data_sets

    sets = data_sets()
    names = {_bare(name): name for name in sets}
    rows: dict[str, dict[str, Value]] = {}
    for row, values in table.rows.items():
        name = str(table.settings.get(row, {}).get("task") or names.get(_bare(row), ""))
        if name in sets:
            found = {column: _of_data(sets[name], column, values) for column in values}
            rows[row] = {column: value for column, value in found.items() if value is not None}
    return rows


def _of_data(data: DataSet, column: str, values: Mapping[str, Value]) -> Value | None:
    sizes = next(iter(data.sizes.values()))
    both = sizes.get("train+val", sizes.get("train", 0) + sizes.get("val", 0))
    unsplit = any(_bare(name).startswith("val") and v == NONE for name, v in values.items())
    what = _bare(column)
    if what == "classes":
        return data.classes
    if what.startswith("text"):
        return data.template.replace("{}", "{ }")
    if what.startswith("test"):
        return sizes.get("test")
    if what.startswith("val"):
        return NONE if unsplit else sizes.get("val")
    if unsplit:
        return both
    # SPT: images to tune with / images to train with in the end
    return f"{sizes.get('train')} / {both}" if "/" in str(values[column]) else sizes.get("train")


def setting_rows(table: PublishedTable, shown: Sequence[Shown], paper: str) -> Rows:
    """The settings of the sweep files that regenerate 'Table 3', under their profile `paper`.

    Several files that differ are named in one value; what a table varies is '-'.
    """
    rows: dict[str, dict[str, Value]] = {}
    for row in table.rows:
        kind, _, number = row.partition(" ")
        wanted = re.compile(rf"{paper}/{kind[0]}{number}[a-z]?")  # 'Table 3' is T3a, T3b, T3c
        files = [s for s in shown if s.profile == PROFILE and wanted.fullmatch(s.target)]
        found = {column: _setting(name, files) for column, name in COLUMNS.items()}
        rows[row] = {column: text for column, text in found.items() if text}
    return rows


def _setting(name: str, files: Sequence[Shown]) -> str:
    """The value of a setting in all `files`; empty where none has it."""
    if any(name in each.varied for each in files):
        return NONE
    values: dict[str, list[str]] = {}  # value -> the files that have it
    for each in files:
        if (value := _with_preset(each).get(name)) is not None:
            text = f"{value} x {value}" if name == "resolution" else str(value)
            values.setdefault(text, []).append(each.file)
    if len(values) == 1:
        return next(iter(values))
    return ", ".join(f"{text} ({' '.join(dict.fromkeys(of))})" for text, of in values.items())


def _with_preset(shown: Shown) -> Mapping[str, Any]:
    """The settings of the base over the preset that they name."""
    from sweeper import discovery

    settings = shown.settings
    if "preset" not in settings:
        return settings
    plugin = discovery.find(str(settings["method"]), Path(SPACES))
    return {**plugin.presets.get(str(settings["preset"]), {}), **settings}


def resnet10_rows() -> Rows:
    """Kernels and outputs of the network in front of PGN's library, found by running it."""
    import torch

    from sweeper import discovery
    from sweeper.backbones import towers

    plugin = discovery.find("pgn", Path())
    settings: dict[str, Any] = {"trunk": "resnet10", "stem": "conv7", "resolution": SIDE}
    backbone = towers.load("embedded", torch.device("cpu"))
    ours: Any = plugin.module(
        backbone=backbone,
        classes=("one",),
        template="a {}",
        params=plugin.params(**settings),
        seed=0,
    )
    network = ours.model.eval()
    conv, pool = network.input_net[0], network.input_net[-1]
    stages = {"conv1": conv, "pool1": pool}
    stages |= {f"res{place}": block for place, block in enumerate(network.blocks, 2)}
    stages["pool2"] = network.output_net[0]
    seen: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}

    def watch(name: str) -> Callable[[Any, Any, Any], None]:
        def note(_: Any, inputs: Any, outputs: Any) -> None:
            seen[name] = (tuple(inputs[0].shape), tuple(outputs.shape))

        return note

    for name, module in stages.items():
        module.register_forward_hook(watch(name))
    with torch.no_grad():
        network(torch.zeros(1, 3, SIDE, SIDE))
    rows = {"input data": {"specification": NONE, "output sizes": f"{SIDE}^2 x 3"}}
    for name, module in stages.items():
        (_, _, side, _), (_, width, out, _) = seen[name]
        kernel = _kernel(module, width, side)
        rows[name] = {"specification": kernel, "output sizes": f"{out}^2 x {width}"}
    return rows


def _kernel(module: Any, width: int, side: int) -> str:
    """A convolution, a pooling or a residual block as PGN's Table 9 writes it."""
    from torch import nn

    if isinstance(module, nn.AdaptiveAvgPool2d):  # to one pixel: a window of all
        return f"{side} x {side}, {width}, stride 1, 1"
    if isinstance(module, nn.Conv2d | nn.MaxPool2d):
        size, stride = _first(module.kernel_size), _first(module.stride)
        return f"{size} x {size}, {width}, stride {stride}, {stride}"
    inner = [each for each in module.net if isinstance(each, nn.Conv2d)]
    sizes = [f"{_first(c.kernel_size)} x {_first(c.kernel_size)}, {c.out_channels}" for c in inner]
    return f"[{'; '.join(sizes)}] x 1"


def _first(value: int | tuple[int, ...]) -> int:
    return value if isinstance(value, int) else value[0]


def model_rows(table: PublishedTable, default: str) -> Rows:
    """Architecture, modality and release of the backbones; no library states the objective."""
    from sweeper.backbones import towers

    rows: dict[str, dict[str, Value]] = {}
    for row in table.rows:
        name = str(table.settings.get(row, {}).get("backbone") or default)
        info = towers.describe(name)
        model = name.partition("/")[2]
        architecture, _, tag = model.partition("@" if "@" in model else ".")
        rows[row] = {
            "Architecture": architecture.removesuffix("-quickgelu"),
            "Modality": "Vision-language" if "text" in info.ways else "Vision",
            "Pre-trained Dataset": f"weights '{tag}'",
        }
    return rows


def _bare(text: str) -> str:
    return "".join(sign for sign in text.lower() if sign.isalnum())
