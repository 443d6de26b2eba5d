"""What a report can show of a trial: its measures, each with its name, unit and direction.

A trial's accuracies are fractions in the store; a report prints `scale` times them. What an
analysis found of a trial is a measure too: `analysis/<analysis>/<result>`, such as
`analysis/variance/within`, for the numbers among the analysis's results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ANALYSIS = "analysis/"
TOP1 = "test/acc"


@dataclass(frozen=True)
class Measure:
    """How a measure is called and printed. better: which direction a table puts in bold."""

    label: str
    unit: str  # empty where it has none
    scale: float = 1.0
    digits: int = 1  # after the point
    better: Literal["higher", "lower", ""] = ""


MEASURES: Mapping[str, Measure] = {
    TOP1: Measure("top-1", "%", 100, better="higher"),
    "val/acc": Measure("val top-1", "%", 100, better="higher"),
    "test/loss": Measure("test loss", "nats", digits=3, better="lower"),
    "test/mean_per_class": Measure("mean per class", "%", 100, better="higher"),
    "test/macro_f1": Measure("macro F1", "%", 100, better="higher"),
    "trainable_parameters": Measure("trainable parameters", "", digits=0),
    "seconds": Measure("time of training and evaluation", "s"),
    "construction_seconds": Measure("time of constructing the prompts", "s", digits=2),
}

ANALYSES: Mapping[str, str] = {
    "prompt-patch-nmi": "mutual information of prompts and patches, SPT Fig. 2",
    "prompt-patch-nmi-epochs": "the same over epochs, from snapshots, SPT Fig. 2",
    "feature-nmi": "clusterings of prompts and features, PGN Fig. 2 and Table 10",
    "cka": "similarity of prompts and patches by block, SPT Fig. S4",
    "attention": "where CLS looks, PGN Fig. 4 and 7, UPT Fig. 6",
    "variance": "variance within classes and between their texts, UPT Fig. 1",
    "sphere": "image and text features on a sphere, UPT Fig. 2",
    "library": "the images of each item of a token library, PGN Fig. 6",
    "outputs": "t-SNE of prompts made from images, by task, PGN Fig. 5",
    "prompt-picture": "the learned pixels as an image, VP Fig. 7 and 10",
    "distance": "how far and how diverse the images are, VP Fig. 5",
}


def measure_of(name: str) -> Measure:
    """The measure of that name. Raises KeyError where there is none."""
    if analysis_of(name):
        return Measure(
            name.removeprefix(ANALYSIS).replace("/", ": ").replace("_", " "), "", digits=3
        )
    return MEASURES[name]


def analysis_of(name: str) -> str:
    """The analysis that the measure `name` is a result of; empty if it is none."""
    parts = name.split("/", 2)
    whole = name.startswith(ANALYSIS) and len(parts) == 3 and all(parts)
    return parts[1] if whole else ""
