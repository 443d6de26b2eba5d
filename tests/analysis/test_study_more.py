"""The analyses of outputs, spheres, pixels, distances and epochs, on tiny trained methods."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sweeper.analysis.distance import frechet
from sweeper.analysis.embedding import neighbours_alike
from sweeper.analysis.study import ANALYSES, Subject
from sweeper.analysis.study.distance import PAIRS
from sweeper.backbones.clip import ClipBackbone
from sweeper.errors import InputError
from sweeper.tasks import catalog
from sweeper.train import trained as files
from sweeper.train.state import state_of
from tests.analysis import tiny
from tests.analysis.test_study import pixels, run

tiny.SETTINGS |= {"vp": {"size": 3}, "coop": {"context_length": 2}}


@pytest.fixture(scope="module")
def subjects(backbone: ClipBackbone) -> dict[str, Subject]:
    return {name: tiny.trained(name, backbone) for name in ("iip", "pgn", "vp", "coop")}


def normalised(subject: Subject) -> torch.Tensor:
    return (subject.images.images / 255 - 0.5) / 0.25


def joint(subject: Subject) -> Subject:
    info = replace(subject.task.info, parts={"first": range(50), "second": range(50, 70)})
    return replace(subject, task=replace(subject.task, info=info), limit=30)


def test_outputs_are_told_apart_by_the_part_they_come_from(
    subjects: dict[str, Subject], tmp_path: Path
) -> None:
    subject = joint(subjects["pgn"])
    rows, results = run("outputs", subject, tmp_path)
    assert [int(row["image"]) for row in rows] == subject.places.tolist()
    kinds = torch.tensor([row["part"] == "second" for row in rows]).long()
    assert kinds.tolist() == (subject.places >= 50).long().tolist()
    module: Any = subject.module
    with torch.no_grad():
        prompts = module.prompts(normalised(subject)).flatten(1)
    share = results["share_whose_nearest_output_is_of_the_same_part"]
    assert share == pytest.approx(neighbours_alike(prompts, kinds))
    many, few = int((kinds == 0).sum()), int((kinds == 1).sum())
    chance = (many * (many - 1) + few * (few - 1)) / (30 * 29)
    assert results["share_by_chance"] == pytest.approx(chance)
    assert pixels(tmp_path / "outputs.png") > 10


def test_the_sphere_has_the_texts_that_the_method_encodes(
    subjects: dict[str, Subject], tmp_path: Path
) -> None:
    for name in ("iip", "coop"):
        rows, results = run("sphere", subjects[name], tmp_path / name)
        assert [row["kind"] for row in rows] == ["image"] * 70 + ["text"] * 3
        places = torch.tensor([[float(row[axis]) for axis in "xyz"] for row in rows])
        torch.testing.assert_close(places.norm(dim=1), torch.ones(73))
        module, subject = subjects[name].module, subjects[name]
        with torch.no_grad():
            cosines = module.eval()(normalised(subject)) / subject.backbone.logit_scale
        own = cosines[torch.arange(70), subject.images.labels].mean().item()
        assert results["mean_cosine_to_text_of_own_class"] == pytest.approx(own, abs=1e-4)
    assert pixels(tmp_path / "iip" / "sphere.png") > 10


def test_the_prompt_is_drawn_in_the_units_of_a_screen(
    subjects: dict[str, Subject], tmp_path: Path
) -> None:
    rows, results = run("prompt-picture", subjects["vp"], tmp_path)
    module: Any = subjects["vp"].module
    assert results["pixels"] == len(rows) == 32 * 32 - 26 * 26
    first = rows[0]
    assert (first["row"], first["column"]) == ("0", "0")
    added = 255 * 0.25 * module.prompt()[0, :, 0, 0]
    found = [float(first[name]) for name in ("red", "green", "blue")]
    assert found == pytest.approx(added.tolist(), rel=1e-5)
    largest = 255 * 0.25 * module.prompt().abs().max().item()
    assert results["largest_absolute_value_of_255"] == pytest.approx(largest, rel=1e-5)
    assert pixels(tmp_path / "prompt-picture.png") > 100


def test_distance_is_from_the_reference_that_is_named(
    subjects: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def load(name: str, *_: Any) -> Any:
        asked.append(name)
        return tiny.task()

    monkeypatch.setattr(catalog, "load", load)
    subject = subjects["pgn"]
    rows, results = run("distance", subject, tmp_path)
    assert results["frechet"] == pytest.approx(0, abs=1e-6)  # the reference is the task itself
    mean = sum(float(row["distance"]) for row in rows) / len(rows)
    assert results["diversity"] == pytest.approx(mean)
    assert len(rows) == results["pairs"] == PAIRS
    assert all(row["first"] != row["second"] for row in rows)
    assert 0 < results["diversity"] < 4
    run("distance", replace(subject, reference="./mine"), tmp_path)
    backbone: Any = subject.backbone
    renamed = replace(backbone.info, name="embedded/first-2")
    monkeypatch.setattr(backbone, "info", renamed)
    run("distance", subject, tmp_path)
    assert asked == ["imagenet", "./mine", "shapes"]


def test_distance_is_of_the_frozen_features(
    subjects: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = subjects["pgn"]
    other = replace(tiny.task(), test=tiny.split("train", 40))
    monkeypatch.setattr(catalog, "load", lambda *_: other)
    _, results = run("distance", subject, tmp_path)
    with torch.no_grad():
        own = subject.backbone.encode_image(normalised(subject))
        far = subject.backbone.encode_image((other.test.images / 255 - 0.5) / 0.25)
    assert results["frechet"] == pytest.approx(frechet(own, far), rel=1e-3)
    assert results["images_of_reference"] == 40


def test_epochs_are_read_from_snapshots_and_the_module_ends_as_it_was(
    subjects: dict[str, Subject], tmp_path: Path, backbone: ClipBackbone
) -> None:
    subject = subjects["iip"]
    end = {name: value.clone() for name, value in state_of(subject.module).items()}
    first = tiny.method("iip", backbone)
    kept = {}
    for epoch, module in ((1, first), (2, subject.module)):
        kept[epoch] = tmp_path / f"epoch_{epoch}.safetensors"
        size = backbone.info.preprocessing
        files.keep(module, kept[epoch], trial_id="x", task=subject.task.info, preprocessing=size)
    rows, results = run("prompt-patch-nmi-epochs", replace(subject, snapshots=kept), tmp_path)
    assert [(row["epoch"], row["block"]) for row in rows] == [
        (epoch, block) for epoch in "12" for block in "012"
    ]
    _, at_end = run("prompt-patch-nmi", subject, tmp_path)
    for block in range(3):
        last = results["prompts"]["epoch 2"][f"block {block}"]
        assert last == pytest.approx(at_end[f"block {block}"]["nmi"])
    assert results["prompts"]["epoch 1"] != results["prompts"]["epoch 2"]
    assert all(torch.equal(value, end[name]) for name, value in state_of(subject.module).items())
    assert pixels(tmp_path / "prompt-patch-nmi-epochs.png") > 10


@pytest.mark.parametrize(
    ("analysis", "method", "words"),
    [
        ("outputs", "iip", "the same for every image"),
        ("outputs", "coop", "the same for every image"),
        ("prompt-picture", "pgn", "no pixels"),
        ("prompt-patch-nmi-epochs", "iip", "no snapshots"),
    ],
)
def test_what_a_trial_has_not_is_refused_before_anything_is_written(
    analysis: str, method: str, words: str, subjects: dict[str, Subject], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=f"analysis '{analysis}' of .*{words}"):
        ANALYSES[analysis](joint(subjects[method]), tmp_path)
    assert not list(tmp_path.iterdir())


def test_outputs_of_a_single_task_and_of_val_are_refused(
    subjects: dict[str, Subject], tmp_path: Path
) -> None:
    for subject in (subjects["pgn"], replace(joint(subjects["pgn"]), split="val")):
        with pytest.raises(InputError, match="a joint task"):
            ANALYSES["outputs"](subject, tmp_path)


@pytest.mark.parametrize("analysis", ["attention", "variance", "distance"])
def test_nothing_is_seen_of_a_backbone_that_is_taken_whole(
    analysis: str, subjects: dict[str, Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone: Any = subjects["iip"].backbone
    monkeypatch.setattr(backbone, "info", replace(backbone.info, ways=frozenset({"text"})))
    with pytest.raises(InputError, match="taken whole"):
        ANALYSES[analysis](subjects["iip"], tmp_path)
