"""The pictures of the analyses, each as PNG, SVG and PDF; the same bytes for the same values.

A picture's `path` is without ending. Colours are told apart by every kind of colour vision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

LONGEST = 24  # signs of a class in a legend; a text's end says which it is
BLUE, ORANGE = "#0072B2", "#D55E00"  # of Okabe and Ito's palette
# Okabe and Ito's palette whole, and a marker each, for what has many kinds
COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
ENDINGS: Mapping[str, Mapping[str, None]] = {  # with what would change from day to day left out
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "sweeper",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Line:
    """A curve over blocks with its own marker."""

    label: str
    values: Tensor  # [L]
    colour: str
    marker: str


@contextmanager
def _panels(
    path: Path, rows: int, columns: int, size: tuple[float, float], **kind: Any
) -> Iterator[Any]:
    """An array [rows, columns] of axes, written at the end; `size` in inches."""
    from matplotlib import rc_context  # a second to import, for pictures alone
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure.subplots(rows, columns, squeeze=False, subplot_kw=kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        for ending, metadata in ENDINGS.items():
            file = path.with_name(f"{path.name}.{ending}")
            figure.savefig(file, format=ending, dpi=160, metadata=dict(metadata))


def by_block(path: Path, panels: Mapping[str, Sequence[Line]], blocks: Sequence[int]) -> None:
    """One panel a label of its vertical axis, each with lines over `blocks`."""
    with _panels(path, 1, len(panels), (3.6 * len(panels), 3.0)) as axes:
        for place, (label, lines) in zip(axes[0], panels.items(), strict=True):
            for line in lines:
                place.plot(
                    blocks,
                    line.values.numpy(),
                    color=line.colour,
                    marker=line.marker,
                    label=line.label,
                )
            place.xaxis.get_major_locator().set_params(integer=True)
            place.set_xlabel("block (0 is the first)")
            place.set_ylabel(label)
            place.set_ylim(bottom=0)
            place.grid(axis="y", color="#dddddd", linewidth=0.6)
            place.spines[["top", "right"]].set_visible(False)
            place.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=2)


def by_epoch(
    path: Path, epochs: Sequence[int], panels: Mapping[str, Tensor], blocks: Sequence[int]
) -> None:
    """One panel a label, of values [T, l] at T epochs, with a line for each of l blocks."""
    from matplotlib import colormaps

    shades = colormaps["cividis"]
    highest = max(values.max().item() for values in panels.values())
    with _panels(path, 1, len(panels), (3.8 * len(panels) + 0.8, 3.2)) as axes:
        for place, (label, values) in zip(axes[0], panels.items(), strict=True):
            for number, (block, line) in enumerate(zip(blocks, values.T, strict=True)):
                shade = shades(0.9 * number / max(1, len(blocks) - 1))
                marker = MARKERS[number % len(MARKERS)]
                place.plot(
                    epochs, line.numpy(), color=shade, marker=marker, markersize=4, label=str(block)
                )
            place.xaxis.get_major_locator().set_params(integer=True)
            place.set_xlabel("epochs of training")
            place.set_ylabel(label)
            place.set_ylim(0, 1.08 * highest)
            place.grid(axis="y", color="#dddddd", linewidth=0.6)
            place.spines[["top", "right"]].set_visible(False)
        place.legend(title="block", loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=8)


def points(path: Path, kinds: Mapping[str, Tensor]) -> None:
    """Places [n, 2] of each kind in a plane without a scale."""
    with _panels(path, 1, 1, (5.6, 4.0)) as axes:
        place = axes[0, 0]
        for number, (name, at) in enumerate(kinds.items()):
            colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
            x, y = at.T.numpy()
            place.scatter(x, y, s=12, color=colour, marker=marker, alpha=0.7, lw=0, label=name)
        place.set(xticks=[], yticks=[], xlabel="t-SNE, first", ylabel="t-SNE, second")
        place.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), markerscale=1.6)


def globe(
    path: Path, images: Tensor, labels: Tensor, texts: Tensor, classes: Sequence[str]
) -> None:
    """Unit places of images [M, 3] and of texts [K, 3]; the first classes in colours, others grey.

    Points behind the sphere shine through it.
    """
    with _panels(path, 1, 1, (6.4, 4.6), projection="3d") as axes:
        place = axes[0, 0]
        turn, rise = torch.linspace(0, 2 * torch.pi, 25), torch.linspace(0, torch.pi, 13)
        ball = (
            torch.outer(turn.cos(), rise.sin()).numpy(),
            torch.outer(turn.sin(), rise.sin()).numpy(),
            torch.outer(torch.ones(25), rise.cos()).numpy(),
        )
        place.plot_wireframe(*ball, color="#cccccc", linewidth=0.4)
        shown = min(len(classes), len(COLOURS) - 1)
        rest = labels >= shown
        if rest.any():
            place.scatter(*images[rest].T.numpy(), s=5, color="#999999", lw=0, label="other images")
            place.scatter(*texts[shown:].T.numpy(), s=45, color="#999999", marker="*", ec="black")
        for label in range(shown):
            colour, marker = COLOURS[label], MARKERS[label]
            place.scatter(
                *images[labels == label].T.numpy(), s=11, color=colour, marker=marker, lw=0,
                label=_cut(classes[label]),
            )  # fmt: skip
            place.scatter(*texts[label].numpy(), s=110, color=colour, marker="*", ec="black")
        place.scatter([], [], s=110, color="white", marker="*", ec="black", label="text of a class")
        x, y, z = (images.mean(dim=0) + texts.mean(dim=0)).tolist()  # what the reader looks at
        place.view_init(
            math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))
        )
        place.set_box_aspect((1, 1, 1), zoom=1.35)
        place.set_axis_off()
        place.figure.legend(loc="outside right center", fontsize=8)


def matrix(
    path: Path,
    values: Tensor,
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    labels: tuple[str, str, str],
    limits: tuple[float, float],
) -> None:
    """Values [n, m] as a map with the numbers in it; `labels` of the rows, columns and colours."""
    wide, high = 2.2 + 0.62 * len(columns), 1.6 + 0.45 * len(rows)
    with _panels(path, 1, 1, (max(wide, 4.0), max(high, 3.0))) as axes:
        place = axes[0, 0]
        shades = {"cmap": "cividis", "vmin": limits[0], "vmax": limits[1]}
        image = place.imshow(values.numpy(), aspect="auto", **shades)
        place.set_xticks(range(len(columns)), columns)
        place.set_yticks(range(len(rows)), rows)
        place.set_ylabel(labels[0])
        place.set_xlabel(labels[1])
        middle = sum(limits) / 2
        for (row, column), value in _entries(values):
            ink = "black" if value > middle else "white"
            place.text(column, row, _short(value, limits), ha="center", va="center", color=ink)
        place.figure.colorbar(image, ax=place, label=labels[2])


def histogram(path: Path, values: Tensor, *, label: str) -> None:
    """Values [M] of images by frequency, with their mean."""
    mean = values.mean().item()
    with _panels(path, 1, 1, (4.4, 3.0)) as axes:
        place = axes[0, 0]
        place.hist(values.numpy(), bins=min(40, max(5, len(values) // 10)), color=BLUE)
        place.axvline(mean, color=ORANGE, linestyle="--", label=f"mean {mean:.1f}")
        place.set_xlabel(label)
        place.set_ylabel("images")
        place.yaxis.get_major_locator().set_params(integer=True)
        place.spines[["top", "right"]].set_visible(False)
        place.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16))


def attention_maps(path: Path, rows: Sequence[tuple[Tensor, Mapping[str, Tensor], Tensor]]) -> None:
    """A row an image: the image uint8 [3, S, S], maps [g, g] by title, CLS to prompts [n].

    Each map has a scale of its own from 0 to its highest value, so shapes are to be compared.
    """
    columns = len(rows[0][1]) + 2
    with _panels(path, len(rows), columns, (1.9 * columns, 2.0 * len(rows) + 0.3)) as axes:
        for line, (image, maps, prompts) in zip(axes, rows, strict=True):
            _image(line[0], image, "image")
            for place, (title, values) in zip(line[1:], maps.items(), strict=False):
                place.imshow(values.numpy(), cmap="cividis", vmin=0)
                place.set_axis_off()
                place.set_title(f"{title}\nhighest {100 * values.max():.1f} %", fontsize=7)
            line[-1].bar(range(len(prompts)), 100 * prompts.numpy(), color=BLUE)
            line[-1].set_title("CLS to prompts, %", fontsize=7)
            line[-1].set_xlabel("prompt", fontsize=7)
            line[-1].tick_params(labelsize=6)
            line[-1].xaxis.get_major_locator().set_params(integer=True)
            line[-1].spines[["top", "right"]].set_visible(False)


def image_grid(path: Path, rows: Mapping[str, Sequence[tuple[Tensor, str]]]) -> None:
    """A row a label, of images uint8 [3, S, S] with titles."""
    columns = max(len(images) for images in rows.values())
    with _panels(path, len(rows), columns, (1.5 * columns + 0.5, 1.75 * len(rows))) as axes:
        for line, (label, images) in zip(axes, rows.items(), strict=True):
            for place, (image, title) in zip(line, images, strict=True):
                _image(place, image, title)
            line[0].set_axis_on()
            line[0].set(xticks=[], yticks=[], ylabel=label)
            line[0].spines[:].set_visible(False)


def _image(place: Any, image: Tensor, title: str) -> None:
    place.imshow(image.permute(1, 2, 0).numpy())
    place.set_axis_off()
    place.set_title(title, fontsize=7)


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"...{name[-LONGEST:]}"


def _entries(values: Tensor) -> Iterator[tuple[tuple[int, int], float]]:
    for row, column in torch.cartesian_prod(*(torch.arange(n) for n in values.shape)).tolist():
        yield (row, column), values[row, column].item()


def _short(value: float, limits: tuple[float, float]) -> str:
    digits = 2 if limits[1] <= 1 else 1
    return f"{round(value, digits) + 0.0:.{digits}f}"  # + 0.0: no minus before a zero
