"""`parameters.yaml`: what each method trains, by its formula and as the papers print it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

FILE = Path(__file__).parent / "parameters.yaml"
MILLION = 1e6


class Count(BaseModel):
    """One setting; `counted` parameters a data set, `printed` over `sets` of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    backbone: str  # a name of `sweeper.backbones.hollow`
    params: dict[str, Any] = {}
    classes: str | None = None  # a suite, over whose classes a trained head is averaged
    sets: int = 1
    formula: str
    counted: float
    printed: str | None
    source: str
    note: str = ""

    @property
    def comes_out(self) -> bool | None:
        """Whether `counted` rounds to `printed`; None where nothing is printed."""
        if self.printed is None:
            return None
        digits = self.printed.removesuffix("M")
        decimals = len(digits.partition(".")[2])
        return round(self.counted * self.sets / MILLION, decimals) == float(digits)


def read_counts() -> tuple[list[Count], dict[str, list[int]]]:
    """Every setting, and the numbers of classes of each suite."""
    data = YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))
    return [Count.model_validate(each) for each in data["counts"]], data["suites"]
