"""Caltech-101, DTD, EuroSAT and Food-101: sets with one folder of images per class.

Splits and names of classes: CoOp's `split_zhou_*.json` where it lies beside the folders. Where it
does not, each class is cut 50 / 20 / 30 by the hashes of the names of its images, the classes are
the folders in sorted order, and some are renamed as CoOp does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sweeper.tasks.dataset import DataSet
from sweeper.tasks.listing import Listing
from sweeper.tasks.release import Release, class_folders, place
from sweeper.tasks.split_zhou import given_or_cut


@dataclass(frozen=True)
class _Folders:
    """Where the class folders of a set lie, and what CoOp makes of their names."""

    images: tuple[str, ...]  # the first that is there under the data folder
    split_file: str
    url: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        where = " or ".join(f"{folder}/" for folder in self.images)
        return (
            f"{self.url}: the class folders in {where}; for the papers' splits {self.split_file} "
            "beside them (https://github.com/KaiyangZhou/CoOp, DATASETS.md)"
        )

    def read(self, root: Path) -> Listing:
        images = place(root, self.images, self.source)

        def release() -> Release:
            folders, files = class_folders(images, self.ignored)
            names = (self.renamed.get(name, name).replace("_", " ") for name in folders)
            return Release(images, tuple(names), {"all": files})

        return given_or_cut(self.split_file, (images.parent, root), images, release)


CALTECH = _Folders(
    ("caltech-101/101_ObjectCategories", "caltech101/101_ObjectCategories"),
    "split_zhou_Caltech101.json",
    "https://data.caltech.edu/records/mzrjq-6wc02",
    {"airplanes": "airplane", "Faces": "face", "Leopards": "leopard", "Motorbikes": "motorbike"},
    ("BACKGROUND_Google", "Faces_easy"),
)
DTD = _Folders(
    ("dtd/images", "dtd/dtd/images"),
    "split_zhou_DescribableTextures.json",
    "https://www.robots.ox.ac.uk/~vgg/data/dtd",
)
EUROSAT = _Folders(
    ("eurosat/2750",),
    "split_zhou_EuroSAT.json",
    "https://github.com/phelber/EuroSAT",
    {
        "AnnualCrop": "Annual Crop Land",
        "HerbaceousVegetation": "Herbaceous Vegetation Land",
        "Highway": "Highway or Road",
        "Industrial": "Industrial Buildings",
        "Pasture": "Pasture Land",
        "PermanentCrop": "Permanent Crop Land",
        "Residential": "Residential Buildings",
        "SeaLake": "Sea or Lake",
    },
)
FOOD = _Folders(
    ("food-101/images",),
    "split_zhou_Food101.json",
    "https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101",
)


def _both(train: int, val: int, test: int) -> dict[str, dict[str, int]]:
    """Sizes of sets whose generated split is known to have CoOp's."""
    sizes = {"train": train, "val": val, "test": test}
    return {"split_zhou": sizes, "generated": sizes}


SETS = (
    DataSet(
        name="caltech101",
        description="objects of 100 kinds, without background and easy faces",
        classes=100,
        sizes=_both(4_128, 1_649, 2_465),
        template="a photo of a {}.",
        licence="CC BY 4.0",
        source=CALTECH.source,
        read=CALTECH.read,
        templates={"coop": "a photo of a {}."},
        papers=("upt",),
    ),
    DataSet(
        name="dtd",
        description="describable textures",
        classes=47,
        sizes=_both(2_820, 1_128, 1_692),
        template="This is a photo of a {}",
        licence="for research purposes",
        source=DTD.source,
        read=DTD.read,
        templates={"coop": "{} texture."},
        papers=("pgn", "vp", "upt"),
    ),
    DataSet(
        name="eurosat",
        description="satellite images of ten kinds of land",
        classes=10,
        sizes=_both(13_500, 5_400, 8_100),
        template="This is a photo of a {}",
        licence="MIT",
        source=EUROSAT.source,
        read=EUROSAT.read,
        templates={"coop": "a centered satellite photo of {}."},
        papers=("pgn", "vp", "upt"),
    ),
    DataSet(
        name="food101",
        description="dishes of 101 kinds",
        classes=101,
        sizes=_both(50_500, 20_200, 30_300),
        template="This is a photo of a {}",
        licence="scientific fair use; the images belong to the users of Foodspotting",
        source=FOOD.source,
        read=FOOD.read,
        templates={"coop": "a photo of {}, a type of food."},
        papers=("pgn", "vp", "upt"),
    ),
)
