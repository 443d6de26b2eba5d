"""The analysis `prompt-patch-nmi` (SPT Fig. 2, after training; the paper draws it over epochs).

Symbols: M images, L blocks with prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from sweeper.analysis.artifact import write
from sweeper.analysis.mutual_information import prompt_patch_information
from sweeper.analysis.picture import BLUE, ORANGE, Line, by_block
from sweeper.analysis.subject import Reading, Subject, prompted
from sweeper.seeds import generator

NAME = "prompt-patch-nmi"
COLUMNS = {
    "image": "place in the split, from 0",
    "block": "from 0; the tokens that enter it, before its norm",
    "nmi": "2 I / (H + H) of prompts and patches, between 0 and 1",
    "control_nmi": "the same of random directions with the norms of the prompts, mean of 5 draws",
    "prompt_norm": "mean Euclidean norm of the prompts, in units of a token",
    "patch_norm": "mean Euclidean norm of the patches, in units of a token",
}
MEASURES = tuple(COLUMNS)[2:]


def prompt_patch_nmi(subject: Subject, folder: Path) -> None:
    """NMI of the prompts and the patches that enter each block, with norms and a control."""
    rows = [row for reading in prompted(subject, NAME) for row in _rows(subject, reading)]
    table = torch.tensor(rows, dtype=torch.float64)
    blocks = sorted({int(block) for block in table[:, 1]})
    means = torch.stack([table[table[:, 1] == block, 2:].mean(dim=0) for block in blocks])
    write(
        folder,
        NAME,
        subject,
        columns=COLUMNS,
        rows=rows,
        source="SPT Eq. 7 and 8, Fig. 2",
        results={
            f"block {block}": dict(zip(MEASURES, line.tolist(), strict=True))
            for block, line in zip(blocks, means, strict=True)
        },
        pictures=[NAME],
    )
    _draw(folder / NAME, means, blocks)


def _rows(subject: Subject, reading: Reading) -> list[tuple[float, ...]]:
    """A row an image and block."""
    seen, places = reading.observation, reading.places.tolist()
    rows: list[tuple[float, ...]] = []
    for block in seen.prompted_blocks():
        draw = generator(subject.seed, "analysis", "control", block)  # the same in each batch
        found = prompt_patch_information(
            seen.prompt_tokens(block), seen.patch_tokens(block), draw=draw
        )
        values = torch.stack((found.nmi, found.control, found.prompt_norm, found.patch_norm), 1)
        rows += [(p, block, *line) for p, line in zip(places, values.tolist(), strict=True)]
    return rows


def _draw(path: Path, means: Tensor, blocks: Sequence[int]) -> None:
    """Measures [L, 4] by block."""
    nmi, control, prompts, patches = means.T
    panels = {
        "NMI of prompts and patches": [
            Line("prompts", nmi, BLUE, "o"),
            Line("random, same norms", control, ORANGE, "s"),
        ],
        "mean Euclidean norm of a token": [
            Line("prompts", prompts, BLUE, "o"),
            Line("patches", patches, ORANGE, "s"),
        ],
    }
    by_block(path, panels, blocks)
