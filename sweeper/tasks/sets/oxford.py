"""Flowers102, Oxford-IIIT Pet and FGVC-Aircraft, all of Oxford's Visual Geometry Group.

Splits and names of classes of flowers and pets: CoOp's `split_zhou_*.json` where it lies beside
the images. Where it does not, flowers are cut 50 / 20 / 30 in each class (the papers do not use
the official split), pets keep the official test split and give 20 % of trainval to val, by the
hashes of the names of the images. Aircraft: the official splits, by variant. VP's toy of cats and
dogs is "a subset" of pets that it does not describe; here it is all of them.

Read by lines of our own: torchvision's readers want folders of their own names, and that of pets
opens every image.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

from sweeper.errors import InputError, Problem
from sweeper.tasks.dataset import DataSet
from sweeper.tasks.files import listing
from sweeper.tasks.listing import SPLITS, Listing
from sweeper.tasks.matlab import matlab
from sweeper.tasks.release import Release, cut, place, require, rows
from sweeper.tasks.split_zhou import given_or_cut

URL = "https://www.robots.ox.ac.uk/~vgg/data"
FLOWERS, PETS = "split_zhou_OxfordFlowers.json", "split_zhou_OxfordPets.json"
COOP = "(https://github.com/KaiyangZhou/CoOp, DATASETS.md)"
FLOWERS_SOURCE = (
    f"{URL}/flowers/102: jpg/ of 102flowers.tgz and imagelabels.mat in oxford_flowers/ or "
    f"flowers-102/; for the papers' splits and names {FLOWERS} and cat_to_name.json there {COOP}"
)
PETS_SOURCE = (
    f"{URL}/pets: images.tar.gz and annotations.tar.gz unpacked in oxford_pets/ or "
    f"oxford-iiit-pet/; for the papers' splits {PETS} there {COOP}"
)
AIRCRAFT_SOURCE = (
    f"{URL}/fgvc-aircraft: fgvc-aircraft-2013b.tar.gz unpacked in the data folder, or its data/ "
    "renamed to fgvc_aircraft/"
)


def _flowers(root: Path) -> Listing:
    found = place(root, ["oxford_flowers", "flowers-102"], FLOWERS_SOURCE, ["jpg"])
    release = partial(_labelled_flowers, found)
    return given_or_cut(FLOWERS, (found, root), found / "jpg", release)


def _labelled_flowers(found: Path) -> Release:
    path = require(found, ["imagelabels.mat"], FLOWERS_SOURCE) / "imagelabels.mat"
    with matlab(path):
        from scipy.io import loadmat  # half a second to import

        labels = loadmat(path)["labels"].ravel().tolist()
    files = [(f"image_{number:05}.jpg", label - 1) for number, label in enumerate(labels, 1)]
    return Release(found / "jpg", _names_of_flowers(found), {"all": files})


def _names_of_flowers(found: Path) -> tuple[str, ...]:
    """CoOp's `cat_to_name.json` where it lies there, else the list in torchvision."""
    path = found / "cat_to_name.json"
    if not path.is_file():
        from torchvision.datasets import Flowers102  # seconds to import

        return tuple(Flowers102.classes)
    try:
        names = {int(number): name for number, name in json.loads(path.read_bytes()).items()}
        return tuple(names[number] for number in range(1, len(names) + 1))
    except (ValueError, KeyError, AttributeError) as error:
        expected = '{"1": "pink primrose", ...}, all numbers from 1 on'
        raise InputError(
            Problem(str(path), f"{type(error).__name__}: {error}", expected)
        ) from error


def _pets(root: Path) -> Listing:
    found = place(root, ["oxford_pets", "oxford-iiit-pet"], PETS_SOURCE, ["images"])

    def release() -> Release:
        lists = {"train": "annotations/trainval.txt", "test": "annotations/test.txt"}
        require(found, [*lists.values()], PETS_SOURCE)
        parts = {
            part: rows(found / name, _pet, "image class species breed")
            for part, name in lists.items()
        }
        breeds = {label: name for name, label in parts["train"]}
        classes = (breeds[label].rpartition("_")[0].lower() for label in sorted(breeds))
        return Release(found / "images", tuple(c.replace("_", " ") for c in classes), parts)

    return given_or_cut(PETS, (found, root), found / "images", release)


def _species(root: Path) -> Listing:
    """The pets in their splits, labelled by the case of their files: Cat_1.jpg and dog_1.jpg."""
    pets = _pets(root)
    images = place(root, ["oxford_pets", "oxford-iiit-pet"], PETS_SOURCE, ["images"]) / "images"
    files = {
        split: [Path(found.name(n)).relative_to(images).as_posix() for n in range(len(found))]
        for split, found in pets.splits.items()
    }
    rows = {split: [(name, int(name[0].islower())) for name in files[split]] for split in files}
    return listing(images, ("cat", "dog"), rows, pets.rule, identity=f"species-{pets.identity}")


def _pet(line: str) -> tuple[str, int]:
    name, label, _, _ = line.split(" ")
    return f"{name}.jpg", int(label) - 1


def _aircraft(root: Path) -> Listing:
    lists = {split: f"images_variant_{split}.txt" for split in SPLITS}
    folders = ["fgvc_aircraft", "fgvc-aircraft-2013b/data"]
    found = place(root, folders, AIRCRAFT_SOURCE, ["images", "variants.txt", *lists.values()])
    variants = rows(found / "variants.txt", str, "the name of a variant")
    labels = {variant: label for label, variant in enumerate(variants)}

    def parse(line: str) -> tuple[str, int]:
        image, variant = line.split(" ", 1)
        return f"{image}.jpg", labels[variant]

    rule = "image variant, of a variant in variants.txt"
    parts = {split: rows(found / name, parse, rule) for split, name in lists.items()}
    return cut(Release(found / "images", tuple(variants), parts))


SETS = (
    DataSet(
        name="flowers102",
        description="flowers of 102 kinds",
        classes=102,
        sizes={
            "split_zhou": {"train": 4_093, "val": 1_633, "test": 2_463},
            "generated": {"train+val+test": 8_189},
        },
        template="This is a photo of a {}",
        licence="not stated",
        source=FLOWERS_SOURCE,
        read=_flowers,
        templates={"coop": "a photo of a {}, a type of flower."},
        papers=("pgn", "vp", "upt"),
    ),
    DataSet(
        name="oxford_pets",
        description="cats and dogs of 37 breeds",
        classes=37,
        sizes={
            "split_zhou": {"train": 2_944, "val": 736, "test": 3_669},
            "generated": {"train+val": 3_680, "test": 3_669},
        },
        template="This is a photo of a {}",
        licence="CC BY-SA 4.0",
        source=PETS_SOURCE,
        read=_pets,
        templates={"coop": "a photo of a {}, a type of pet."},
        papers=("pgn", "vp", "upt"),
    ),
    DataSet(
        name="oxford_species",
        description="the images of oxford_pets, told apart as cats and dogs",
        classes=2,
        sizes={
            "split_zhou": {"train": 2_944, "val": 736, "test": 3_669},
            "generated": {"train+val": 3_680, "test": 3_669},
        },
        template="This is a photo of a {}",
        licence="CC BY-SA 4.0",
        source=PETS_SOURCE,
        read=_species,
        papers=("vp",),
    ),
    DataSet(
        name="fgvc_aircraft",
        description="aircraft of 100 variants, official splits",
        classes=100,
        sizes={"official": {"train": 3_334, "val": 3_333, "test": 3_333}},
        template="a photo of a {}, a type of aircraft.",
        licence="exclusively for non-commercial research purposes",
        source=AIRCRAFT_SOURCE,
        read=_aircraft,
        templates={"coop": "a photo of a {}, a type of aircraft."},
        papers=("upt",),
    ),
)
