from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from sweeper.analysis.attention import cls_shares
from sweeper.analysis.observe import ObservedBackbone
from sweeper.analysis.study import ANALYSES, Subject
from sweeper.analysis.variance import intra_class_variance
from sweeper.backbones.clip import ClipBackbone
from sweeper.errors import InputError
from tests.analysis import tiny
from tests.small_vit import small_vit


@pytest.fixture(scope="module")
def subjects(backbone: ClipBackbone) -> dict[str, Subject]:
    return {name: tiny.trained(name, backbone) for name in ("iip", "pgn", "lp")}


def run(name: str, subject: Subject, folder: Path) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """The table and the results that the analysis wrote."""
    ANALYSES[name](subject, folder)
    with (folder / f"{name}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    summary = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    assert list(rows[0]) == list(summary["columns"])
    assert (summary["analysis"], summary["split"]) == (name, "test")
    assert summary["images"] == len(subject.places)
    return rows, summary["results"]


def pixels(path: Path) -> int:
    """Colours of a picture."""
    with Image.open(path) as image:
        image.load()
        return len(image.convert("RGB").getcolors(maxcolors=2**24) or [])


def test_prompt_patch_nmi_has_a_row_an_image_and_block(
    subjects: dict[str, Subject], tmp_path: Path
) -> None:
    subject = subjects["iip"]
    rows, results = run("prompt-patch-nmi", subject, tmp_path)
    assert len(rows) == 70 * 3
    of_first = [float(row["nmi"]) for row in rows if row["block"] == "0"]
    assert results["block 0"]["nmi"] == pytest.approx(sum(of_first) / 70)
    assert all(0 <= value <= 1 for value in of_first)
    assert {"image": "69", "block": "2"}.items() <= rows[-1].items()
    # prompts that are the same for every image have one norm and, batch by batch, one control
    assert len({row["prompt_norm"] for row in rows if row["block"] == "0"}) == 1
    assert pixels(tmp_path / "prompt-patch-nmi.png") > 10


def test_feature_nmi_compares_prompts_that_differ_between_images(
    subjects: dict[str, Subject], tmp_path: Path
) -> None:
    rows, results = run("feature-nmi", subjects["pgn"], tmp_path)
    assert list(results["nmi"]) == ["labels", "prompts", "backbone", "method"]
    assert results["clusters"] == 3
    table = {(row["first"], row["second"]): float(row["nmi"]) for row in rows}
    assert len(table) == 16
    assert table["prompts", "prompts"] == pytest.approx(1)
    assert table["labels", "method"] == pytest.approx(table["method", "labels"])
    assert pixels(tmp_path / "feature-nmi.png") > 10


def test_feature_nmi_leaves_shared_prompts_out(
    subjects: dict[str, Subject], tmp_path: Path
) -> None:
    _, of_iip = run("feature-nmi", subjects["iip"], tmp_path / "iip")
    assert list(of_iip["nmi"]) == ["labels", "backbone", "method"]
    _, of_lp = run("feature-nmi", subjects["lp"], tmp_path / "lp")
    assert of_lp["nmi"]["backbone"]["method"] == pytest.approx(
        1
    )  # the features of lp are the backbone's


def test_cka_has_a_row_a_pair_of_blocks(subjects: dict[str, Subject], tmp_path: Path) -> None:
    rows, results = run("cka", replace(subjects["pgn"], limit=5), tmp_path)
    assert [(row["prompt_block"], row["patch_block"]) for row in rows] == [
        (a, b) for a in "012" for b in "012"
    ]
    own = [float(row["cka_mean"]) for row in rows if row["prompt_block"] == row["patch_block"]]
    assert results["same_block_mean"] == pytest.approx(sum(own) / 3)
    assert pixels(tmp_path / "cka.png") > 10


def test_attention_shares_are_those_of_the_method(
    subjects: dict[str, Subject], tmp_path: Path, backbone: ClipBackbone
) -> None:
    subject = subjects["iip"]
    rows, results = run("attention", subject, tmp_path)
    assert len(rows) == 70 * 3
    for row in rows:
        shares = [float(row[name]) for name in ("cls_share", "patch_share", "prompt_share")]
        assert sum(shares) == pytest.approx(1, abs=1e-5)
    watched = ObservedBackbone(backbone)
    prompts: Any = subject.module.prompts
    with torch.no_grad():
        watched.encode_image((subject.images.images / 255 - 0.5) / 0.25, prompts)
    assert watched.last is not None
    expected = cls_shares(watched.last, 2)[:, 2].mean().item()
    assert results["prompt_share_of_last_block_mean"] == pytest.approx(expected, rel=1e-4)
    assert pixels(tmp_path / "attention.png") > 10
    assert pixels(tmp_path / "attention-maps.png") > 100


def test_variance_is_of_the_backbones_features_and_of_the_methods(
    subjects: dict[str, Subject], tmp_path: Path, backbone: ClipBackbone
) -> None:
    subject = subjects["pgn"]
    rows, results = run("variance", subject, tmp_path)
    images = (subject.images.images / 255 - 0.5) / 0.25
    features = backbone.encode_image(images)
    expected = intra_class_variance(features, subject.images.labels, normalised=True)
    assert (rows[0]["features"], rows[0]["normalised"]) == ("backbone", "True")
    assert float(rows[0]["value"]) == pytest.approx(expected, rel=1e-4)
    assert float(rows[2]["value"]) != pytest.approx(expected, rel=1e-4)
    assert results["classes_with_images"] == 3
    assert len(rows) == 5


def test_library_names_the_images_of_the_highest_weights(
    subjects: dict[str, Subject], tmp_path: Path
) -> None:
    subject = replace(subjects["pgn"], limit=20)
    rows, results = run("library", subject, tmp_path)
    assert results["items"] == 8
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"] * 8
    module: Any = subject.module
    with torch.no_grad():
        images = (subject.images.images / 255 - 0.5) / 0.25
        best = module.weights(images).amax(dim=1)[:, 3].max(dim=0)
    first = rows[12]
    assert first["item"] == "3"
    assert float(first["weight"]) == pytest.approx(best.values.item(), rel=1e-4)
    assert int(first["image"]) == subject.places[best.indices]
    assert first["class"] == tiny.CLASSES[subject.task.test.labels[int(first["image"])]]
    assert pixels(tmp_path / "library.png") > 100


@pytest.mark.parametrize(
    ("analysis", "method", "words"),
    [
        ("prompt-patch-nmi", "lp", "no prompt tokens"),
        ("cka", "lp", "no prompt tokens"),
        ("attention", "lp", "no prompts in the image tower"),
        ("library", "iip", "no token library"),
    ],
)
def test_what_a_method_has_not_is_refused_before_anything_is_written(
    analysis: str, method: str, words: str, subjects: dict[str, Subject], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=f"analysis '{analysis}' of .*{method}.*{words}"):
        ANALYSES[analysis](subjects[method], tmp_path)
    assert not list(tmp_path.iterdir())


def test_directly_generated_prompts_are_no_library(backbone: ClipBackbone, tmp_path: Path) -> None:
    module = tiny.method("pgn", backbone, generation="direct")
    subject = Subject(module, backbone, tiny.task(), seed=0, device=tiny.CPU)
    with pytest.raises(InputError, match="no token library"):
        ANALYSES["library"](subject, tmp_path)


def test_variance_without_a_text_tower_is_refused(tmp_path: Path) -> None:
    vit = small_vit()
    words = f"backbone '{vit.info.name}' has no text tower"
    subject = Subject(tiny.method("lp", vit), vit, tiny.task(), seed=0, device=tiny.CPU)
    with pytest.raises(InputError, match=words):
        ANALYSES["variance"](subject, tmp_path)


def test_fewer_images_than_clusters_are_refused(
    subjects: dict[str, Subject], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="2 images"):
        ANALYSES["feature-nmi"](replace(subjects["pgn"], limit=2), tmp_path)
