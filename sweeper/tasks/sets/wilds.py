"""Three sets of WILDS, with its splits out of distribution and its labels, from its metadata.

`fmow` is measured by top-1: the accuracy in the worst region, WILDS' own metric, needs the region
of every test image, which a task does not carry.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sweeper.tasks.dataset import DataSet
from sweeper.tasks.files import Rows, file_of, folder_of, listing, reading
from sweeper.tasks.listing import SPLITS, Listing
from sweeper.tasks.sets.names import names_of

RULE = "WILDS, out of distribution"
VAL_HOSPITAL, TEST_HOSPITAL = 1, 2  # of Camelyon17, from 0
VAL_YEAR, TEST_YEAR = 2013, 2016  # of FMoW: when an image of val, of test, was taken or later
FETCH = "of https://wilds.stanford.edu/datasets (`wilds` downloads it), unpacked to"
IWILDCAM = f"iwildcam_v2.0.tar.gz {FETCH} iwildcam_v2.0/ (metadata.csv, categories.csv, train/)"
FMOW = f"fmow_v1.1.tar.gz {FETCH} fmow_v1.1/ (rgb_metadata.csv, images/)"
CAMELYON = f"camelyon17_v1.0.tar.gz {FETCH} camelyon17_v1.0/ (metadata.csv, patches/)"


def _table(path: Path, columns: Sequence[str], **kinds: type) -> Any:
    """The `columns` of a CSV file, as pandas reads them."""
    import pandas as pd  # a second to import

    with reading(path, f"a table with {', '.join(columns)}"):
        return pd.read_csv(path, usecols=list(columns), dtype=kinds)


def _iwildcam(root: Path) -> Listing:
    folder = folder_of(root, ["iwildcam_v2.0", "wilds/iwildcam_v2.0"], IWILDCAM)
    path = file_of(folder, ["metadata.csv"], IWILDCAM)
    found = _table(path, ["split", "filename", "y"])
    named = _table(file_of(folder, ["categories.csv"], IWILDCAM), ["y", "name"])
    with reading(folder / "categories.csv", "a name for every label of metadata.csv"):
        names = dict(zip(named["y"].tolist(), named["name"].tolist(), strict=True))
        classes = [str(names[label]) for label in range(int(found["y"].max()) + 1)]
    rows: dict[str, Rows] = {}
    for split in SPLITS:  # `id_val` and `id_test` are left out
        mine = found[found["split"] == split]
        rows[split] = list(zip(mine["filename"].tolist(), mine["y"].tolist(), strict=True))
    return listing(folder / "train", classes, rows, RULE)


def _fmow(root: Path) -> Listing:
    folder = folder_of(root, ["fmow_v1.1", "wilds/fmow_v1.1"], FMOW)
    path = file_of(folder, ["rgb_metadata.csv"], FMOW)
    found = _table(path, ["split", "category", "timestamp"])
    classes = names_of("fmow")
    label = {name.replace(" ", "_"): place for place, name in enumerate(classes)}
    rows: dict[str, list[tuple[str, int]]] = {split: [] for split in SPLITS}
    columns = (found[name].tolist() for name in ("split", "category", "timestamp"))
    with reading(path, "known categories, and times such as 2016-12-26T10:50:41Z, in UTC"):
        for number, (split, category, time) in enumerate(zip(*columns, strict=True)):
            year = int(time[:4])  # the image's number counts the sequestered ones too
            period = "test" if year >= TEST_YEAR else "val" if year >= VAL_YEAR else "train"
            if split == period:
                rows[split].append((f"rgb_img_{number}.png", label[category]))
    return listing(folder / "images", classes, rows, RULE)


def _camelyon17(root: Path) -> Listing:
    folder = folder_of(root, ["camelyon17_v1.0", "wilds/camelyon17_v1.0"], CAMELYON)
    path = file_of(folder, ["metadata.csv"], CAMELYON)
    names = ["patient", "node", "x_coord", "y_coord", "tumor", "center", "split"]
    found = _table(path, names, patient=str, node=str)
    rows: dict[str, list[tuple[str, int]]] = {split: [] for split in SPLITS}
    hospitals = {VAL_HOSPITAL: "val", TEST_HOSPITAL: "test"}
    columns = (found[name].tolist() for name in names)
    for patient, node, x, y, tumor, hospital, held in zip(*columns, strict=True):
        if hospital in hospitals or held == 0:  # 1: val of the training hospitals, left out
            place = f"patient_{patient}_node_{node}"
            file = f"{place}/patch_{place}_x_{x}_y_{y}.png"
            rows[hospitals.get(hospital, "train")].append((file, tumor))
    return listing(folder / "patches", ("not containing", "containing"), rows, RULE)


SETS = (
    DataSet(
        name="iwildcam",
        description="animals in camera traps; other traps in val, and others again in test",
        classes=182,
        sizes={RULE: {"train": 129_809, "val": 14_961, "test": 42_791}},
        template="This is a photo of a {}",
        licence="CDLA-Permissive 1.0",
        source=IWILDCAM,
        read=_iwildcam,
        metric="macro F1",
        papers=("vp", "pgn"),
    ),
    DataSet(
        name="fmow",
        description="land use from satellites; later years in val, and later again in test",
        classes=62,
        sizes={RULE: {"train": 76_863, "val": 19_915, "test": 22_108}},
        template="This is a photo of a {}",
        licence="Functional Map of the World Challenge Public License",
        source=FMOW,
        read=_fmow,
        papers=("vp", "pgn"),
    ),
    DataSet(
        name="camelyon17",
        description="lymph node tissue; another hospital in val, and another in test",
        classes=2,
        sizes={RULE: {"train": 302_436, "val": 34_904, "test": 85_054}},
        template="a tissue region {} tumor",
        licence="CC0 1.0",
        source=CAMELYON,
        read=_camelyon17,
        papers=("vp", "pgn"),
    ),
)
