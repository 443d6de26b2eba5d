"""The analysis `cka` (SPT Fig. S4).

Symbols: M images, L blocks, l blocks with prompts.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from sweeper.analysis.artifact import write
from sweeper.analysis.observe import Observation
from sweeper.analysis.picture import matrix
from sweeper.analysis.similarity import token_cka
from sweeper.analysis.subject import Subject, prompted

NAME = "cka"
COLUMNS = {
    "prompt_block": "from 0; the block that the prompts enter",
    "patch_block": "from 0; the block that the patches enter",
    "cka_mean": "unbiased linear CKA over the coordinates of a token, at most 1, mean over images",
    "cka_std": "its standard deviation over images",
}


def cka(subject: Subject, folder: Path) -> None:
    """CKA of the prompts that enter one block and the patches that enter another."""
    blocks: list[int] = []
    values: list[Tensor] = []
    for reading in prompted(subject, NAME):
        blocks = reading.observation.prompted_blocks()
        values += [_of_image(reading.observation, i) for i in range(len(reading.places))]
    table = torch.stack(values)
    mean, deviation = table.mean(dim=0), table.std(dim=0, correction=0)
    like = [int(line.argmax()) == block for block, line in zip(blocks, mean, strict=True)]
    write(
        folder,
        NAME,
        subject,
        columns=COLUMNS,
        rows=[
            (block, other, mean[row, other].item(), deviation[row, other].item())
            for row, block in enumerate(blocks)
            for other in range(mean.shape[1])
        ],
        source="SPT Fig. S4",
        results={
            "same_block_mean": mean[range(len(blocks)), blocks].mean().item(),
            "blocks": len(blocks),
            "blocks_whose_own_patches_are_nearest": sum(like),
        },
        pictures=[NAME],
    )
    matrix(
        folder / NAME,
        mean,
        rows=[str(block) for block in blocks],
        columns=[str(block) for block in range(mean.shape[1])],
        labels=("block of the prompts", "block of the patches", "CKA, mean over images"),
        limits=(0, max(0.01, mean.max().item())),
    )


def _of_image(seen: Observation, image: int) -> Tensor:
    """CKA [l, L] of one image's prompts and patches."""
    prompts = [seen.prompt_tokens(block)[image] for block in seen.prompted_blocks()]
    patches = [seen.patch_tokens(block)[image] for block in range(seen.depth)]
    return token_cka(prompts, patches).cpu()
