"""The analysis `prompt-patch-nmi-epochs` (SPT Fig. 2): `prompt-patch-nmi` over training.

It needs a trial with `snapshots` in its recipe. Symbols: T snapshots, l blocks with prompts.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from sweeper.analysis.artifact import write
from sweeper.analysis.mutual_information import prompt_patch_information
from sweeper.analysis.picture import by_epoch
from sweeper.analysis.subject import Subject, prompted
from sweeper.seeds import generator
from sweeper.train.state import load_state, state_of
from sweeper.train.trained import read

NAME = "prompt-patch-nmi-epochs"
COLUMNS = {
    "epoch": "epochs of training, from 1",
    "block": "from 0; the tokens that enter it, before its norm",
    "nmi": "2 I / (H + H) of prompts and patches, mean over images, between 0 and 1",
    "control_nmi": "the same of random directions with the norms of the prompts, mean of 5 draws",
}


def prompt_patch_nmi_epochs(subject: Subject, folder: Path) -> None:
    """NMI of the prompts and the patches that enter each block, at each snapshot of training."""
    if not subject.snapshots:
        raise subject.refusal(
            NAME,
            "no snapshots of its training",
            "a trial that kept some",
            "Give `snapshots: 10` beside `epochs` in the sweep file.",
        )
    epochs = sorted(subject.snapshots)
    end = {name: value.clone() for name, value in state_of(subject.module).items()}
    found: list[dict[int, tuple[float, float]]] = []
    try:
        for epoch in epochs:
            load_state(subject.module, read(subject.snapshots[epoch]).state)
            found.append(_by_block(subject))
    finally:
        load_state(subject.module, end)
    blocks = sorted(found[0])
    rows = [
        (epoch, block, *values[block])
        for epoch, values in zip(epochs, found, strict=True)
        for block in blocks
    ]
    prompts, control = (
        {
            f"epoch {epoch}": {f"block {block}": values[block][which] for block in blocks}
            for epoch, values in zip(epochs, found, strict=True)
        }
        for which in (0, 1)
    )
    write(
        folder,
        NAME,
        subject,
        columns=COLUMNS,
        rows=rows,
        source="SPT Eq. 7 and 8, Fig. 2",
        results={"prompts": prompts, "random directions of the same norms": control},
        pictures=[NAME],
    )
    table = torch.tensor([[values[block] for block in blocks] for values in found])
    _draw(folder / NAME, epochs, blocks, table)


def _by_block(subject: Subject) -> dict[int, tuple[float, float]]:
    """NMI and control of each block with prompts, means over images."""
    found: dict[int, list[Tensor]] = {}
    for reading in prompted(subject, NAME):
        seen = reading.observation
        for block in seen.prompted_blocks():
            draw = generator(subject.seed, "analysis", "control", block)  # as `prompt-patch-nmi`
            values = prompt_patch_information(
                seen.prompt_tokens(block), seen.patch_tokens(block), draw=draw
            )
            found.setdefault(block, []).append(torch.stack((values.nmi, values.control), dim=1))
    means = {block: torch.cat(parts).mean(dim=0).tolist() for block, parts in found.items()}
    return {block: (nmi, control) for block, (nmi, control) in means.items()}


def _draw(path: Path, epochs: list[int], blocks: list[int], table: Tensor) -> None:
    """A table [T, l, 2]: the prompts' panel and the control's, a line a block."""
    titles = ("NMI of prompts and patches", "NMI of random directions, same norms")
    by_epoch(path, epochs, dict(zip(titles, table.unbind(dim=-1), strict=True)), blocks)
