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
from sweeper.analysis.study.distance import distance
from sweeper.analysis.study.epochs import prompt_patch_nmi_epochs
from sweeper.analysis.study.library import library
from sweeper.analysis.study.mutual_information import prompt_patch_nmi
from sweeper.analysis.study.outputs import outputs
from sweeper.analysis.study.prompt_picture import prompt_picture
from sweeper.analysis.study.similarity import cka
from sweeper.analysis.study.sphere import sphere
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
    "outputs": outputs,
    "sphere": sphere,
    "prompt-picture": prompt_picture,
    "distance": distance,
    "prompt-patch-nmi-epochs": prompt_patch_nmi_epochs,
}
