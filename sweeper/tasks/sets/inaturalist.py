"""iNaturalist 2018 from its COCO files. Test is the official val, whose labels are public.

Val is 10 % of the official training images by the hash of their names, with a training image left
of every species.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sweeper.tasks.dataset import DataSet
from sweeper.tasks.files import Rows, cut, file_of, folder_of, listing, reading
from sweeper.tasks.listing import Listing

VAL_SHARE = 0.1
FOLDERS = ["inaturalist2018", "iNaturalist2018", "inat2018", "inaturalist"]
SOURCE = (
    "train_val2018.tar.gz, train2018.json.tar.gz, val2018.json.tar.gz and, for the names, "
    "categories.json.tar.gz of https://github.com/visipedia/inat_comp/tree/master/2018, unpacked "
    "to inaturalist2018/"
)


def _read(root: Path) -> Listing:
    folder = folder_of(root, FOLDERS, SOURCE)
    files = [file_of(folder, [name], SOURCE) for name in ("train2018.json", "val2018.json")]
    found = {path: _json(path) for path in files}
    named = folder / "categories.json"
    with reading(files[0], "categories with 'id' and 'name'"):
        kinds = {each["id"]: str(each["name"]) for each in found[files[0]]["categories"]}
    if named.is_file():  # the names in the two files hide what the species are
        with reading(named, "a list of objects with 'id' and 'name'"):
            kinds |= {each["id"]: str(each["name"]) for each in _json(named) if each["id"] in kinds}
    known = sorted(kinds)
    label = {kind: place for place, kind in enumerate(known)}
    train, test = (_rows(path, found[path], label) for path in files)
    rows = {**cut(train, VAL_SHARE), "test": test}
    return listing(folder, [kinds[kind] for kind in known], rows, "generated")


def _json(path: Path) -> Any:
    with reading(path, "JSON"):
        return json.loads(path.read_bytes())


def _rows(path: Path, content: Any, label: dict[int, int]) -> Rows:
    with reading(path, "'images' with 'id' and 'file_name', and an annotation of each"):
        kind = {each["image_id"]: each["category_id"] for each in content["annotations"]}
        return [(each["file_name"], label[kind[each["id"]]]) for each in content["images"]]


SETS = (
    DataSet(
        name="inaturalist2018",
        description="8,142 species, most of them in few images",
        classes=8_142,
        sizes={"generated": {"train": 393_761, "val": 43_752, "test": 24_426}},
        template="This is a photo of a {}",
        licence="non-commercial research and education; each image has a licence of its own",
        source=SOURCE,
        read=_read,
        papers=("spt",),
    ),
)
