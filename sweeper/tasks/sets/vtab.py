"""VTAB-1k: 19 tasks of 800 training and 200 validation images, each with its whole test set.

Read from the images that NOAH exported and SSF, V-PETL-Bench and others use: a folder a task, with
`train800.txt`, `val200.txt` and `test.txt` of lines 'path label' (rule 'vtab-1k lists'). Where only
`train800val200.txt` or a whole `train.txt` is there, its first 1,000 images by the hash of their
names are train and val (rule 'generated').
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from sweeper.errors import InputError, Problem
from sweeper.tasks.dataset import DataSet, Missing
from sweeper.tasks.deal import shuffled
from sweeper.tasks.files import Rows, file_of, folder_of, listing, reading
from sweeper.tasks.listing import Listing
from sweeper.tasks.sets.names import names_of

TRAIN, VAL = 800, 200
PHOTO = "This is a photo of a {}"
NUMBER = "This is a photo of class {}"  # where nobody says what the classes are
LISTS = "vtab-1k lists"


def _read(root: Path, folder: str, classes: Sequence[str], source: str) -> Listing:
    place = folder_of(root, [f"{home}/{folder}" for home in ("vtab-1k", "vtab", "VTAB-1k")], source)
    rows: dict[str, Rows] = {"test": _lines(file_of(place, ["test.txt"], source))}
    given = [name for name in ("train800.txt", "val200.txt") if (place / name).is_file()]
    if len(given) == 1:
        raise Missing(f"{place} has {given[0]} only; train800.txt and val200.txt go together")
    if given:
        rows["train"], rows["val"] = (_lines(place / name) for name in given)
        return listing(place, classes, rows, LISTS)
    path = file_of(place, ["train800val200.txt", "train.txt"], source)
    label = dict(_lines(path))
    if len(label) < TRAIN + VAL:
        raise InputError(Problem(str(path), f"{len(label)} images", f"at least {TRAIN + VAL}"))
    chosen = [(file, label[file]) for file in shuffled([*label])[: TRAIN + VAL]]
    rows["train"], rows["val"] = chosen[:TRAIN], chosen[TRAIN:]
    return listing(place, classes, rows, "generated")


def _lines(path: Path) -> Rows:
    with reading(path, "lines of a path, a space and a label"):
        pairs = (line.rsplit(maxsplit=1) for line in path.read_text("utf-8").splitlines() if line)
        return [(file, int(label)) for file, label in pairs]


def _set(
    name: str,
    folder: str,
    description: str,
    classes: Sequence[str],
    test: int,
    *,
    licence: str = "not stated",
    template: str = PHOTO,
    coop: str = "",
) -> DataSet:
    source = (
        f"vtab-1k.zip of https://github.com/ZhangYuanhan-AI/NOAH (or huggingface.co/datasets/"
        f"XiN0919/VTAB-1k), unpacked to vtab-1k/{folder}/ (images/, train800.txt, val200.txt, "
        f"test.txt)"
    )
    counts = {"train": TRAIN, "val": VAL, "test": test}
    return DataSet(
        name=f"vtab_{name}",
        description=f"VTAB-1k, {description}",
        classes=len(classes),
        sizes={LISTS: counts, "generated": counts},
        template=template,
        licence=licence,
        source=source,
        read=partial(_read, folder=folder, classes=classes, source=source),
        templates={"coop": coop} if coop else {},
        papers=("spt",),
    )


def _numbers(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def _bounds(*bounds: str) -> list[str]:
    """The ranges between `bounds`, and those outside them."""
    between = [f"{low} to {high}" for low, high in pairwise(bounds)]
    return [f"below {bounds[0]}", *between, f"above {bounds[-1]}"]


_NATURAL = (
    _set(
        "caltech101",
        "caltech101",
        "natural: objects, with clutter and two cuts of faces",
        names_of("caltech101"),
        6_084,
        licence="CC BY 4.0",
        coop="a photo of a {}.",
    ),
    _set("cifar100", "cifar", "natural: small images of things", names_of("cifar100"), 10_000),
    _set(
        "dtd",
        "dtd",
        "natural: textures, in words",
        names_of("dtd"),
        1_880,
        licence="for research purposes",
        coop="{} texture.",
    ),
    _set(
        "flowers102",
        "oxford_flowers102",
        "natural: flowers",
        names_of("flowers102"),
        6_149,
        coop="a photo of a {}, a type of flower.",
    ),
    _set(
        "pets",
        "oxford_iiit_pet",
        "natural: breeds of cats and dogs",
        names_of("pets"),
        3_669,
        licence="CC BY-SA 4.0",
        coop="a photo of a {}, a type of pet.",
    ),
    _set(
        "svhn",
        "svhn",
        "natural: digits of house numbers",
        _numbers(10),
        26_032,
        licence="for non-commercial use",
    ),
    _set(
        "sun397",
        "sun397",
        "natural: scenes, of which 325 occur in the 1,000 images of TFDS's order",
        names_of("sun397"),
        21_750,
        coop="a photo of a {}.",
    ),
)

_SPECIALIZED = (
    _set(
        "patch_camelyon",
        "patch_camelyon",
        "specialized: lymph node tissue",
        ("not containing", "containing"),
        32_768,
        licence="CC0",
        template="a tissue region {} tumor",
    ),
    _set(
        "eurosat",
        "eurosat",
        "specialized: land use from a satellite",
        names_of("eurosat"),
        5_400,
        licence="MIT",
        coop="a centered satellite photo of {}.",
    ),
    _set(
        "resisc45",
        "resisc45",
        "specialized: scenes from the air",
        names_of("resisc45"),
        6_300,
    ),
    _set(
        "retinopathy",
        "diabetic_retinopathy",
        "specialized: stages of diabetic retinopathy",
        ("no", "mild", "moderate", "severe", "proliferative"),
        42_670,
        licence="rules of Kaggle's diabetic-retinopathy-detection",
        template="This is a photo of a retina with {} diabetic retinopathy",
    ),
)

_STRUCTURED = (
    _set(
        "clevr_count",
        "clevr_count",
        "structured: how many objects",
        [str(number) for number in range(3, 11)],
        15_000,
        licence="CC BY 4.0",
        template="This is a photo of {} objects",
    ),
    _set(
        "clevr_distance",
        "clevr_dist",
        "structured: distance of the nearest object",
        _bounds("8.0", "8.5", "9.0", "9.5", "10.0"),
        15_000,
        licence="CC BY 4.0",
        template="This is a photo of objects, the nearest at a distance {}",
    ),
    _set(
        "dmlab",
        "dmlab",
        "structured: distance and kind of things in a maze",
        _numbers(6),
        22_735,
        template=NUMBER,
    ),
    _set(
        "kitti_distance",
        "kitti",
        "structured: distance of the nearest vehicle",
        ("up to 8 m away", "8 to 20 m away", "more than 20 m away", "nowhere"),
        711,
        licence="CC BY-NC-SA 3.0",
        template="This is a photo of a road, the nearest vehicle {}",
    ),
    _set(
        "dsprites_location",
        "dsprites_loc",
        "structured: horizontal place of a figure, in 16 steps",
        _numbers(16),
        73_728,
        licence="zlib",
        template="This is a photo of a figure in column {}",
    ),
    _set(
        "dsprites_orientation",
        "dsprites_ori",
        "structured: rotation of a figure, in 16 steps",
        _numbers(16),
        73_728,
        licence="zlib",
        template="This is a photo of a figure at rotation {}",
    ),
    _set(
        "smallnorb_azimuth",
        "smallnorb_azi",
        "structured: direction from which a toy is seen",
        [str(degrees) for degrees in range(0, 360, 20)],
        12_150,
        licence="for research, not to be sold",
        template="This is a photo of a toy turned by {} degrees",
    ),
    _set(
        "smallnorb_elevation",
        "smallnorb_ele",
        "structured: height from which a toy is seen",
        [str(degrees) for degrees in range(30, 75, 5)],
        12_150,
        licence="for research, not to be sold",
        template="This is a photo of a toy seen from {} degrees above",
    ),
)

SETS = (*_NATURAL, *_SPECIALIZED, *_STRUCTURED)
