"""The analyses of a trained trial by name, each from images to a table, a summary and a picture.

Each writes `<name>.csv`, `<name>.json` and, where the paper has a picture of it, `<name>.png`, SVG
and PDF into the folder it is given; the JSON has a number among its results. Raises InputError
where the subject has not what it looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from sweeper.analysis.study.attention import attention
from sweeper.analysis.study.clustering import feature_nmi
from sweeper.analysis.study.library import library
from sweeper.analysis.study.mutual_information import prompt_patch_nmi
from sweeper.analysis.study.similarity import cka
from sweeper.analysis.study.variance import variance
from sweeper.analysis.subject import Subject

__all__ = ["ANALYSES", "Subject"]

ANALYSES: Mapping[str, Callable[[Subject, Path], None]] = {
    "prompt-patch-nmi": prompt_patch_nmi,
    "feature-nmi": feature_nmi,
    "cka": cka,
    "attention": attention,
    "variance": variance,
    "library": library,
}
