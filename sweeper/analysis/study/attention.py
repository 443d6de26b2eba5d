"""The analysis `attention` (PGN Fig. 4 and 7, UPT Fig. 6).

Symbols: M images, p prompt tokens and r key-value prompts of a block, a grid [g, g] of patches.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from sweeper.analysis.artifact import write
from sweeper.analysis.attention import cls_map, cls_shares, cls_to_prompts, prompt_maps
from sweeper.analysis.observe import Observation, ObservedBackbone
from sweeper.analysis.picture import attention_maps, histogram
from sweeper.analysis.subject import Subject, readings

NAME = "attention"
PICTURED = 4  # images
COLUMNS = {
    "image": "place in the split, from 0",
    "block": "from 0",
    "cls_share": "share of CLS's attention that stays with CLS, mean over heads, fraction",
    "patch_share": "share that goes to the patches, fraction",
    "prompt_share": "share that goes to all prompts together, fraction",
}


def attention(subject: Subject, folder: Path) -> None:
    """Where CLS looks in each block, and maps of the last one."""
    rows: list[tuple[float, ...]] = []
    pictured: list[tuple[Tensor, Mapping[str, Tensor], Tensor]] = []
    for reading in readings(subject, NAME):
        seen, places = reading.observation, reading.places.tolist()
        if not seen.prompted_blocks() and not seen.key_prompts():
            got = "no prompts in the image tower"
            raise subject.refusal(NAME, got, "a method that puts some there")
        for block in range(seen.depth):
            shares = cls_shares(seen, block).tolist()
            rows += [(p, block, *line) for p, line in zip(places, shares, strict=True)]
        pictured = pictured or _pictured(subject, reading.images[:PICTURED], seen)
    table = torch.tensor(rows, dtype=torch.float64)
    of_last = table[table[:, 1] == table[:, 1].max(), 4]
    write(
        folder,
        NAME,
        subject,
        columns=COLUMNS,
        rows=rows,
        source="PGN Fig. 4 and 7, UPT Fig. 6",
        results={
            "prompt_share_of_last_block_mean": of_last.mean().item(),
            "prompt_share_of_last_block_std": of_last.std(correction=0).item(),
            "prompt_share_of_all_blocks_mean": table[:, 4].mean().item(),
        },
        pictures=[NAME, f"{NAME}-maps"],
    )
    label = "CLS's attention to the prompts, last block, %"
    histogram(folder / NAME, 100 * of_last, label=label)
    attention_maps(folder / f"{NAME}-maps", pictured)


def _pictured(
    subject: Subject, images: Tensor, seen: Observation
) -> list[tuple[Tensor, Mapping[str, Tensor], Tensor]]:
    """Pixels, maps [g, g] by title and CLS's attention [r + p] to prompts of the first images."""
    plain = ObservedBackbone(subject.backbone)
    plain.encode_image(images)
    last = seen.depth - 1
    maps = {"CLS, with the method": cls_map(seen, last)}
    if plain.last is not None:
        maps = {"CLS, backbone alone": cls_map(plain.last, last)} | maps
    if last in seen.prompted_blocks():
        with torch.no_grad():  # key-value prompts are a method's own parameters
            maps["prompts, mean"] = prompt_maps(seen, last).mean(dim=1)
    to_prompts = cls_to_prompts(seen, last).cpu()
    return [
        (
            subject.images.images[image],
            {title: values[image].cpu() for title, values in maps.items()},
            to_prompts[image],
        )
        for image in range(len(images))
    ]
