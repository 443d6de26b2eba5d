"""ImageNet, and four sets that test what was trained on it: V2, Sketch, A and R.

Test is ImageNet's official val, as in the papers; val is 10 training images of each class, the
first by the hash of their names. The four sets share ImageNet's train and val. A and R hold 200 of
its classes, and test is classified among these, as CoOp does.

A label is the place of a class among the sorted WordNet numbers. Classes are named by CoOp's
`classnames.txt` where it is given, else as torchvision's weights do.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sweeper.errors import InputError, Problem
from sweeper.tasks.dataset import DataSet, Missing
from sweeper.tasks.deal import shuffled
from sweeper.tasks.files import Rows, file_of, folder_of, listing, reading
from sweeper.tasks.listing import Listing
from sweeper.tasks.sets.names import names_of

VAL_PER_CLASS = 10
TEMPLATES = {"coop": "a photo of a {}."}
HOMES = ["imagenet", "imagenet/images", "ImageNet", "ILSVRC/Data/CLS-LOC"]
DEVKIT = "ILSVRC2012_devkit_t12/data"
SOURCE = (
    "ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar of https://image-net.org (after "
    "registration), to imagenet/train/<wnid>/ and imagenet/val/<wnid>/; val may be one folder of "
    "50,000 files with val.txt ('file label') or ILSVRC2012_devkit_t12/ in imagenet/; CoOp's "
    "classnames.txt in imagenet/, for the papers' class names"
)
TRAIN = 1_281_167


def _imagenet(root: Path) -> Listing:
    home, known, rows = _trained(root)
    test = _val(home, known)
    return listing(home, _named(root, home, known), {**rows, "test": test}, "generated")


def _shifted(root: Path, folders: Sequence[str], source: str, part: bool) -> Listing:
    """ImageNet's train and val; test from the first of `folders`, one folder a class.

    With `part` it is classified among its own classes.
    """
    place = folder_of(root, folders, source)
    home, known, rows = _trained(root)
    label = {wnid: number for number, wnid in enumerate(known)}
    label |= {str(number): number for number in range(len(known))}  # as in V2
    kinds = _folders(place)
    strange = [kind for kind in kinds if kind not in label]
    if strange:
        expected = "folders called as ImageNet's classes"
        raise InputError(Problem(str(place / strange[0]), "no such class", expected))
    test = [
        (f"{place.relative_to(root)}/{kind}/{file}", label[kind])
        for kind in kinds
        for file in _files(place / kind)
    ]
    ahead = home.relative_to(root)
    shared = {split: [(f"{ahead}/{f}", k) for f, k in found] for split, found in rows.items()}
    among = sorted({label[kind] for kind in kinds}) if part else ()
    classes = _named(root, home, known)
    return listing(root, classes, {**shared, "test": test}, "generated", test_classes=among)


def _trained(root: Path) -> tuple[Path, list[str], dict[str, Rows]]:
    """ImageNet's folder, its classes as WordNet numbers, its train and val relative to it."""
    homes = [home for home in HOMES if (root / home / "train").is_dir()]
    if not homes:
        raise Missing(f"{root / HOMES[0]}/train is missing: {SOURCE}")
    home = root / homes[0]
    known = _folders(home / "train")
    train: list[tuple[str, int]] = []
    val: list[tuple[str, int]] = []
    for label, wnid in enumerate(known):
        files = _files(home / "train" / wnid)
        held = set(shuffled(files)[: min(VAL_PER_CLASS, len(files) - 1)])
        for file in files:
            (val if file in held else train).append((f"train/{wnid}/{file}", label))
    return home, known, {"train": train, "val": val}


def _val(home: Path, known: Sequence[str]) -> Rows:
    """The official val, in folders of its classes or as one folder with a list of labels."""
    place = folder_of(home, ["val"], SOURCE)
    if kinds := _folders(place):
        if kinds != list(known):
            got = f"{len(kinds)} folders, other than those of train"
            raise InputError(Problem(str(place), got, f"the {len(known)} folders of train"))
        return [
            (f"val/{wnid}/{file}", label)
            for label, wnid in enumerate(kinds)
            for file in _files(place / wnid)
        ]
    listed = [path for path in (home / "val.txt", place / "val.txt") if path.is_file()]
    if listed:
        with reading(listed[0], "lines of a file, a space and a label from 0"):
            lines = (line.split() for line in listed[0].read_text().splitlines())
            return [(f"val/{file}", int(label)) for file, label in lines]
    return _by_devkit(home, known)


def _by_devkit(home: Path, known: Sequence[str]) -> Rows:
    """The flat val by the development kit: a line for each image, in the order of their names."""
    from scipy.io import loadmat  # a second to import

    names = [f"{DEVKIT}/ILSVRC2012_validation_ground_truth.txt"]
    truth, meta = file_of(home, names, SOURCE), file_of(home, [f"{DEVKIT}/meta.mat"], SOURCE)
    with reading(meta, "synsets, each with its number and its WordNet number"):
        synsets = loadmat(meta, squeeze_me=True)["synsets"]
        numbers = {str(one["WNID"]): int(one["ILSVRC2012_ID"]) for one in synsets}
        label = {numbers[wnid]: place for place, wnid in enumerate(known)}
    files = _files(home / "val")
    with reading(truth, f"a known class for each of the {len(files)} images of val"):
        kinds = [label[int(line)] for line in truth.read_text().split()]
        return [(f"val/{file}", kind) for file, kind in zip(files, kinds, strict=True)]


def _named(root: Path, home: Path, known: Sequence[str]) -> Sequence[str]:
    for path in (home / "classnames.txt", root / "imagenet" / "classnames.txt"):
        if path.is_file():
            with reading(path, "lines of a WordNet number, a space and a name"):
                lines = path.read_text(encoding="utf-8").splitlines()
                names = dict(line.strip().split(" ", 1) for line in lines if line.strip())
                return [names[wnid] for wnid in known]
    found = names_of("imagenet")
    if len(found) != len(known):
        got, place = f"{len(known)} folders of classes", home / "train"
        raise InputError(Problem(str(place), got, f"{len(found)}", "Complete ImageNet."))
    return found


def _folders(place: Path) -> list[str]:
    with os.scandir(place) as entries:
        return sorted(each.name for each in entries if each.is_dir() and each.name[0] != ".")


def _files(place: Path) -> list[str]:
    """The image files of a folder, by name; 1.3 million of them are not looked at one by one."""
    return sorted(
        name for name in os.listdir(place) if name.lower().endswith((".jpeg", ".jpg", ".png"))
    )


def _shift(
    name: str,
    description: str,
    folders: Sequence[str],
    test: int,
    *,
    part: bool,
    licence: str,
    source: str,
) -> DataSet:
    source = f"{source}; and ImageNet: {SOURCE}"
    return DataSet(
        name=name,
        description=description,
        classes=1000,
        sizes={"generated": {**_SIZES, "test": test}},
        template="This is a photo of a {}",
        licence=licence,
        source=source,
        read=partial(_shifted, folders=folders, source=source, part=part),
        templates=TEMPLATES,
        papers=("upt",),
    )


_SIZES = {"train": TRAIN - 1000 * VAL_PER_CLASS, "val": 1000 * VAL_PER_CLASS}

SETS = (
    DataSet(
        name="imagenet",
        description="ImageNet-1k; test is its official val",
        classes=1000,
        sizes={"generated": {**_SIZES, "test": 50_000}},
        template="This is a photo of a {}",
        licence="non-commercial research and education",
        source=SOURCE,
        read=_imagenet,
        templates=TEMPLATES,
        papers=("upt", "spt"),
    ),
    _shift(
        "imagenetv2",
        "trained on ImageNet, tested on a new test set, matched frequency",
        ["imagenetv2/imagenetv2-matched-frequency-format-val", "imagenetv2"],
        10_000,
        part=False,
        licence="MIT",
        source="imagenetv2-matched-frequency.tar.gz of "
        "https://huggingface.co/datasets/vaishaal/ImageNetV2, unpacked in imagenetv2/",
    ),
    _shift(
        "imagenet_sketch",
        "trained on ImageNet, tested on drawings",
        ["imagenet-sketch/images", "imagenet-sketch/sketch", "imagenet-sketch", "sketch"],
        50_889,
        part=False,
        licence="MIT",
        source="https://github.com/HaohanWang/ImageNet-Sketch, to imagenet-sketch/images/<wnid>/",
    ),
    _shift(
        "imagenet_a",
        "trained on ImageNet, tested on natural images that mislead, among their 200 classes",
        ["imagenet-adversarial/imagenet-a", "imagenet-a"],
        7_500,
        part=True,
        licence="MIT",
        source="imagenet-a.tar of https://github.com/hendrycks/natural-adv-examples, unpacked "
        "in imagenet-adversarial/",
    ),
    _shift(
        "imagenet_r",
        "trained on ImageNet, tested on art, toys and the like, among their 200 classes",
        ["imagenet-rendition/imagenet-r", "imagenet-r"],
        30_000,
        part=True,
        licence="MIT",
        source="imagenet-r.tar of https://github.com/hendrycks/imagenet-r, unpacked in "
        "imagenet-rendition/",
    ),
)
