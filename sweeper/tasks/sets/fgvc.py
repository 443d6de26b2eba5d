"""The five fine-grained sets of VPT and SPT.

Splits: VPT's `train.json`, `val.json`, `test.json` ({file: class}) where they lie in a set's
folder (rule 'vpt json'); else the official test images, and val is 10 % of the official training
images by the hash of their names (rule 'generated'), as VPT drew it at random. Oxford Flowers has
an official val (rule 'official').
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sweeper.tasks.dataset import DataSet, Missing
from sweeper.tasks.files import Rows, cut, file_of, folder_of, listing, reading
from sweeper.tasks.listing import SPLITS, Listing
from sweeper.tasks.sets.names import names_of

VAL_SHARE = 0.1
TEMPLATE = "This is a photo of a {}"
JSON = "with VPT's train.json, val.json and test.json beside it, if you have them"

Released = tuple[Sequence[str], Mapping[str, Rows], str]  # class names, splits, rule
Reader = Callable[[Path, str], Released]  # of a set's folder, with its source


def _read(root: Path, folders: Sequence[str], images: str, source: str, own: Reader) -> Listing:
    """What is under `root`: VPT's lists where they are given, else as `own` reads the release.

    Files are named relative to the folder `images` of the set.
    """
    folder = folder_of(root, folders, source)
    given = [(folder / f"{split}.json").is_file() for split in SPLITS]
    if any(given):
        lacking = [split for split, there in zip(SPLITS, given, strict=True) if not there]
        if lacking:
            names = ", ".join(f"{folder / split}.json" for split in lacking)
            raise Missing(f"{names} is missing: VPT's three lists belong together. {source}")
        classes, rows, rule = _json(folder, source, own)
    else:
        classes, rows, rule = own(folder, source)
    return listing(folder / images, classes, rows, rule)


def _json(folder: Path, source: str, own: Reader) -> Released:
    """VPT's lists. Labels count the classes that occur, in the order of their identifiers."""
    found: dict[str, dict[str, Any]] = {}
    for split in SPLITS:
        path = folder / f"{split}.json"
        with reading(path, "an object of files and classes"):
            found[split] = dict(json.loads(path.read_bytes()))
    with reading(folder / "train.json", "classes that are all numbers, or all texts"):
        kinds = {each for files in found.values() for each in files.values()}
        known = sorted(kinds, key=int if all(str(each).isdecimal() for each in kinds) else None)
    label = {each: place for place, each in enumerate(known)}
    rows = {split: [(f, label[c]) for f, c in files.items()] for split, files in found.items()}
    first = {label: file for files in rows.values() for file, label in reversed(files)}
    folders = [_readable(first[place].split("/")[0]) for place in range(len(known))]
    if len(set(folders)) == len(known) and not all(each.isdecimal() for each in folders):
        return folders, rows, "vpt json"
    return _names(folder, source, own) or [str(each) for each in known], rows, "vpt json"


def _names(folder: Path, source: str, own: Reader) -> Sequence[str]:
    """The classes as the release names them; none where only VPT's lists are there."""
    if own is _flowers:
        return names_of("flowers102")
    try:
        return own(folder, source)[0]
    except Missing:
        return ()


def _readable(folder: str) -> str:
    """'001.Black_footed_Albatross', 'n02085620-Chihuahua' -> what stands after the number."""
    head, sign, tail = folder.partition("." if "." in folder else "-")
    numbered = bool(sign) and head.lstrip("n").isdecimal()
    return (tail if numbered else folder).replace("_", " ")


def _birds(folder: Path, source: str) -> Released:
    """CUB and NABirds: four lists by image or class, the classes that occur counted anew."""

    def table(name: str) -> dict[str, str]:
        path = file_of(folder, [name], source)
        with reading(path, "lines of an identifier, a space and a value"):
            lines = path.read_text(encoding="utf-8").splitlines()
            return dict(line.split(" ", 1) for line in lines if line)

    files, trained = table("images.txt"), table("train_test_split.txt")
    kinds, names = table("image_class_labels.txt"), table("classes.txt")
    with reading(folder / "image_class_labels.txt", "a number for each image of images.txt"):
        known = sorted({int(kinds[image]) for image in files})
        label = {str(kind): place for place, kind in enumerate(known)}
        rows = [(file, label[kinds[image]], trained[image] == "1") for image, file in files.items()]
    with reading(folder / "classes.txt", "a name for each class of image_class_labels.txt"):
        classes = [_readable(names[str(kind)]) for kind in known]
    return classes, _held_out(rows), "generated"


def _held_out(rows: Sequence[tuple[str, int, bool]]) -> dict[str, Rows]:
    """Rows of (file, label, whether it is for training) as splits."""
    train = cut([(file, label) for file, label, trained in rows if trained], VAL_SHARE)
    return {**train, "test": [(file, label) for file, label, trained in rows if not trained]}


def _matlab(path: Path, key: str) -> Any:
    from scipy.io import loadmat, matlab  # a second to import

    with reading(path, f"a MATLAB file with '{key}'"):
        try:
            return loadmat(path, squeeze_me=True)[key]
        except matlab.MatReadError as error:
            raise ValueError(str(error)) from error


def _dogs(folder: Path, source: str) -> Released:
    rows: list[tuple[str, int, bool]] = []
    for split in ("train", "test"):
        path = file_of(folder, [f"{split}_list.mat", f"lists/{split}_list.mat"], source)
        files, labels = _matlab(path, "file_list"), _matlab(path, "labels")
        with reading(path, "as many labels as files"):
            found = zip(files.tolist(), labels.tolist(), strict=True)
            rows += [(file, label - 1, split == "train") for file, label in found]
    kinds = sorted({(label, file.split("/")[0]) for file, label, _ in rows})
    return [_readable(kind) for _, kind in kinds], _held_out(rows), "generated"


def _cars(folder: Path, source: str) -> Released:
    names = _matlab(file_of(folder, ["devkit/cars_meta.mat"], source), "class_names").tolist()
    lists = {
        "cars_train": ["devkit/cars_train_annos.mat"],
        "cars_test": ["cars_test_annos_withlabels.mat", "devkit/cars_test_annos_withlabels.mat"],
    }
    rows: list[tuple[str, int, bool]] = []
    for images, places in lists.items():
        path = file_of(folder, places, source)
        found = _matlab(path, "annotations")
        with reading(path, "annotations with 'fname' and 'class'"):
            rows += [
                (f"{images}/{one['fname']}", int(one["class"]) - 1, images == "cars_train")
                for one in found
            ]
    return names, _held_out(rows), "generated"


def _flowers(folder: Path, source: str) -> Released:
    labels = _matlab(file_of(folder, ["imagelabels.mat"], source), "labels")
    path = file_of(folder, ["setid.mat"], source)
    rows: dict[str, Rows] = {}
    for split, key in zip(SPLITS, ("trnid", "valid", "tstid"), strict=True):
        numbers = _matlab(path, key)
        with reading(path, "numbers of images that imagelabels.mat knows"):
            rows[split] = [
                (f"jpg/image_{number:05d}.jpg", int(labels[number - 1]) - 1)
                for number in numbers.tolist()
            ]
    return names_of("flowers102"), rows, "official"


def _set(
    name: str,
    description: str,
    *,
    classes: int,
    sizes: tuple[int, int, int],
    own: Reader,
    folders: Sequence[str],
    images: str,
    source: str,
    licence: str,
    coop: str = "",
) -> DataSet:
    source = f"{source}; {JSON}"
    counts = dict(zip(SPLITS, sizes, strict=True))
    read = partial(_read, folders=folders, images=images, source=source, own=own)
    return DataSet(
        name=name,
        description=description,
        classes=classes,
        sizes={"vpt json": counts, "official" if own is _flowers else "generated": counts},
        template=TEMPLATE,
        licence=licence,
        source=source,
        read=read,
        templates={"coop": coop} if coop else {},
        papers=("spt",),
    )


SETS = (
    _set(
        "fgvc_cub",
        "200 kinds of birds, Caltech-UCSD 2011",
        classes=200,
        sizes=(5_394, 600, 5_794),
        own=_birds,
        folders=["CUB_200_2011", "fgvc/CUB_200_2011", "FGVC/CUB_200_2011"],
        images="images",
        source="CUB_200_2011.tgz of https://www.vision.caltech.edu/datasets/cub_200_2011/, "
        "unpacked to CUB_200_2011/ (images.txt, train_test_split.txt, image_class_labels.txt, "
        "classes.txt, images/)",
        licence="not stated",
    ),
    _set(
        "fgvc_nabirds",
        "555 kinds of North American birds",
        classes=555,
        sizes=(21_536, 2_393, 24_633),
        own=_birds,
        folders=["nabirds", "fgvc/nabirds", "FGVC/nabirds"],
        images="images",
        source="nabirds.tar.gz, after the form at https://dl.allaboutbirds.org/nabirds, unpacked "
        "to nabirds/ (images.txt, train_test_split.txt, image_class_labels.txt, classes.txt, "
        "images/)",
        licence="terms of use accepted at download: non-commercial",
    ),
    _set(
        "fgvc_flowers",
        "102 kinds of flowers, official splits",
        classes=102,
        sizes=(1_020, 1_020, 6_149),
        own=_flowers,
        folders=["flowers-102", "oxford_flowers", "OxfordFlower", "fgvc/OxfordFlower"],
        images="",
        source="102flowers.tgz, imagelabels.mat and setid.mat of "
        "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/, to flowers-102/ with jpg/ in it",
        licence="not stated",
        coop="a photo of a {}, a type of flower.",
    ),
    _set(
        "fgvc_dogs",
        "120 breeds of dogs, Stanford",
        classes=120,
        sizes=(10_800, 1_200, 8_580),
        own=_dogs,
        folders=["stanford_dogs", "Stanford-dogs", "StanfordDogs", "fgvc/Stanford-dogs"],
        images="Images",
        source="images.tar and lists.tar of http://vision.stanford.edu/aditya86/ImageNetDogs/, "
        "unpacked to stanford_dogs/ (Images/, train_list.mat, test_list.mat)",
        licence="not stated",
    ),
    _set(
        "fgvc_cars",
        "196 models of cars, Stanford",
        classes=196,
        sizes=(7_329, 815, 8_041),
        own=_cars,
        folders=["stanford_cars", "Stanford-cars", "StanfordCars", "fgvc/Stanford-cars"],
        images="",
        source="the official address is dead (a copy is Kaggle's "
        "jessicali9530/stanford-cars-dataset): cars_train/, cars_test/, devkit/ and "
        "cars_test_annos_withlabels.mat, to stanford_cars/",
        licence="not stated",
        coop="a photo of a {}.",
    ),
)
