"""What is declared of the sets of PGN, VP and UPT, against the papers' tables."""

import subprocess
import sys

import pytest

from sweeper.tasks.listing import SPLITS
from sweeper.tasks.sets import data_sets

# PGN, Table 7 and VP, Table 6: classes, images; train and val together where a table has no val.
# SUN397 is printed with 15,888, which is more than its official 50 a class.
PGN = {
    "cifar100": (100, 50_000, 10_000),
    "cifar10": (10, 50_000, 10_000),
    "flowers102": (102, 4_093, 1_633, 2_463),
    "food101": (101, 50_500, 20_200, 30_300),
    "eurosat": (10, 13_500, 5_400, 8_100),
    "sun397": (397, 15_880, 3_970, 19_850),
    "ucf101": (101, 7_639, 1_898, 3_783),
    "svhn": (10, 73_257, 26_032),
    "oxford_pets": (37, 2_944, 736, 3_669),
    "dtd": (47, 2_820, 1_128, 1_692),
    "resisc45": (45, 18_900, 6_300, 6_300),
    "clevr_count": (8, 70_000, 15_000),
}
COOP = {
    "caltech101": "a photo of a {}.",
    "stanford_cars": "a photo of a {}.",
    "fgvc_aircraft": "a photo of a {}, a type of aircraft.",
    "oxford_pets": "a photo of a {}, a type of pet.",
    "flowers102": "a photo of a {}, a type of flower.",
    "food101": "a photo of {}, a type of food.",
    "sun397": "a photo of a {}.",
    "dtd": "{} texture.",
    "eurosat": "a centered satellite photo of {}.",
    "ucf101": "a photo of a person doing {}.",
}


@pytest.mark.parametrize("name", PGN)
def test_sizes_and_templates_of_pgn_and_vp(name):
    data, (classes, *images) = data_sets()[name], PGN[name]
    assert {"pgn", "vp"} <= set(data.papers)
    assert data.classes == classes
    texts = {"clevr_count": "This is a photo of {} objects"}
    assert data.template == texts.get(name, "This is a photo of a {}")
    for rule, sizes in data.sizes.items():
        assert sum(sizes.values()) == sum(images), rule
        if len(images) == 3 and all(split in sizes for split in SPLITS):
            assert [sizes[split] for split in SPLITS] == images, rule
        else:
            assert sizes.get("test", images[-1]) == images[-1], rule
    if len(images) == 3:
        assert {"split_zhou", "resisc45_json"} & set(data.sizes)


@pytest.mark.parametrize("name", COOP)
def test_templates_of_coop_for_the_sets_of_upt(name):
    assert data_sets()[name].templates == {"coop": COOP[name]}
    assert "upt" in data_sets()[name].papers


def test_sizes_of_upts_own_sets():
    caltech, cars = (data_sets()[name].sizes for name in ("caltech101", "stanford_cars"))
    sizes = {"train": 4_128, "val": 1_649, "test": 2_465}
    assert caltech == {"split_zhou": sizes, "generated": sizes}
    assert cars["split_zhou"] == {"train": 6_509, "val": 1_635, "test": 8_041}
    assert cars["generated"] == {"train+val": 6_509 + 1_635, "test": 8_041}
    official = {"train": 3_334, "val": 3_333, "test": 3_333}
    assert data_sets()["fgvc_aircraft"].sizes == {"official": official}


@pytest.mark.parametrize("name", sorted({*PGN, *COOP}))
def test_each_says_its_licence_and_where_it_comes_from(name):
    data = data_sets()[name]
    assert data.metric == "top-1"
    assert data.licence
    assert data.source
    assert data.template.count("{}") == 1


def test_to_list_the_sets_imports_no_reader():
    code = (
        "import sys; from sweeper.tasks.sets import data_sets; assert data_sets(); "
        "print([m for m in ('torchvision', 'scipy', 'sklearn') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
