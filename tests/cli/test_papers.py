"""`sweeper papers`: lists, tables as printed, and the registries beside what the papers print."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.published import PublishedTable, known, read_paper
from sweeper.cli import registered
from sweeper.spec.targets import Shown
from tests.cli.conftest import Said

Command = Callable[..., Said]
NO_COLUMNS = {"source": "Table", "caption": "Hand made", "unit": "text"}


def _table(rows: dict[str, dict[str, Any]], **words: Any) -> PublishedTable:
    return PublishedTable.model_validate({**NO_COLUMNS, "rows": rows, **words})


def test_every_table_of_every_paper_is_listed_with_what_regenerates_it(command: Command) -> None:
    said = command("papers", "--json")
    listed = {each["target"]: each for each in json.loads(said.out)["tables"]}
    assert [*listed] == [f"{name}/{key}" for name in known() for key in read_paper(name).tables]
    assert listed["upt/T2"] == {
        "target": "upt/T2",
        "source": "Table 2",
        "caption": read_paper("upt").tables["T2"].caption,
        "unit": "percent",
        "values": 84,
        "errata": 6,
        "sweeps": ["upt_fewshot.yaml"],
    }
    assert "pgn_ablation.yaml" in listed["pgn/T3a"]["sweeps"]
    assert listed["upt/F4"]["sweeps"] == ["upt_shots.yaml"]  # by the file's name and the id
    assert listed["upt/AppB"]["sweeps"] == []


def test_the_sweep_files_of_this_folder_come_first(command: Command, tmp_path: Path) -> None:
    (tmp_path / "search_spaces").mkdir()
    text = "base: {method: tp}\nablate: {method: [tp, coop]}\n"
    text += "report: {tables: [{id: T1, title: Mine, axis: method, target: upt/T1}]}\n"
    (tmp_path / "search_spaces" / "mine.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "search_spaces" / "broken.yaml").write_text("base: [", encoding="utf-8")
    said = command("papers", "upt")
    lines = dict(line.split("\t", 1) for line in said.out.splitlines())
    assert "mine.yaml" in lines["upt/T1"]
    assert "yaml" not in lines["upt/T2"]
    assert said.code == 0
    assert "broken.yaml" in said.err


def test_one_paper_is_listed_alone(command: Command) -> None:
    said = command("papers", "upt")
    targets = [line.split("\t")[0] for line in said.out.splitlines()[1:]]
    assert targets == [f"upt/{name}" for name in read_paper("upt").tables]


def test_a_table_is_shown_as_printed_with_protocol_errata_and_sweep_file(command: Command) -> None:
    lines = command("papers", "upt/T1").out.splitlines()
    assert lines[1].split("\t")[1:] == [*read_paper("upt").columns_of("T1")]
    shallow = ["VPT-shallow [3]", "68.98", "62.10", "47.68", "47.19", "76.10", "60.38 [2]", "58.27"]
    assert lines[4].split("\t") == shallow
    said = "\n".join(lines)
    assert "protocol\tshots=16" in said
    assert "erratum [2]\tVPT-shallow, Average: The five values average to 60.41." in said
    assert "sweep file\tupt_shift.yaml" in said


def test_a_table_as_json_has_the_numbers_and_the_tasks(command: Command) -> None:
    found = json.loads(command("papers", "upt/T1", "--json").out)
    assert found["kind"] == "published"
    assert found["rows"]["CoOp"]["-V2"] == 64.2
    assert found["tasks"]["-V2"] == "imagenetv2"
    assert found["backbone"] == "openclip/ViT-B-16-quickgelu@openai"
    assert len(found["errors"]) == 6
    assert "ours" not in found


@pytest.mark.parametrize(
    ("written", "hint"), [("upd", "upt"), ("upd/T1", "upt"), ("upt/T22", "upt/T2")]
)
def test_an_unknown_name_gets_the_nearest(command: Command, written: str, hint: str) -> None:
    said = command("papers", written)
    assert said.code == 2
    assert f"'{written}'" in said.err
    assert f"Did you mean '{hint}'?" in said.err


def test_data_sets_are_those_that_are_declared() -> None:
    columns = {
        "Train Size": 1,
        "Validation Size": 1,
        "Test Size": 1,
        "Classes": 1,
        "Text Prompt": 1,
    }
    unsplit = columns | {"Validation Size": "-"}
    rows = {"Flowers102": columns, "CIFAR100": unsplit, "SVHN": unsplit, "Unheard": columns}
    found = registered.data_rows(_table(rows))
    assert found["Flowers102"] == {
        "Train Size": 4093,
        "Validation Size": 1633,
        "Test Size": 2463,
        "Classes": 102,
        "Text Prompt": "This is a photo of a { }",
    }
    assert found["CIFAR100"]["Train Size"] == found["CIFAR100"]["Test Size"] * 5 == 50_000
    assert found["CIFAR100"]["Validation Size"] == "-"
    assert found["SVHN"]["Train Size"] == 73_257
    assert "Unheard" not in found


def test_a_row_that_names_its_task_has_that_one_and_two_counts_where_two_are_printed() -> None:
    rows = {"Pets": {"Train": "800 / 1000", "Val": 200, "Test": 3669}}
    table = _table(rows, settings={"Pets": {"task": "vtab_pets"}})
    assert registered.data_rows(table)["Pets"] == {"Train": "800 / 1000", "Val": 200, "Test": 3669}


def _shown(target: str, settings: dict[str, Any], varied: tuple[str, ...] = ()) -> Shown:
    file = f"{settings.get('epochs', 'preset')}.yaml"
    return Shown(file, "paper", target, {"method": "pgn", **settings}, frozenset(varied))


def test_settings_are_those_of_the_sweep_files_of_a_table() -> None:
    columns = dict.fromkeys(registered.COLUMNS, "?")
    table = _table({"Table 3": columns, "Table 5": columns, "Figure 4": columns})
    shown = [
        _shown("pgn/T3a", {"epochs": 500, "resolution": 64}, ("prompt_length",)),
        _shown("pgn/T3c", {"epochs": 500, "resolution": 64}, ("resolution",)),
        _shown("pgn/T3params", {"epochs": 7}),
        _shown("pgn/F4", {"epochs": 10}),
        _shown("pgn/F4", {"epochs": 20}),
        _shown("pgn/T5", {"preset": "paper", "prompt_length": 4}),
    ]
    rows = registered.setting_rows(table, shown, "pgn")
    assert rows["Table 3"] == {"Epochs": "500", "Number of prompts": "-", "PGN resolution": "-"}
    assert rows["Figure 4"] == {"Epochs": "10 (10.yaml), 20 (20.yaml)"}
    assert rows["Table 5"] == {
        "Epochs": "1000",
        "Number of prompts": "4",
        "TL Size": "256",
        "PGN resolution": "224 x 224",
    }


def test_the_network_of_pgn_is_the_one_of_its_table_9() -> None:
    rows = registered.resnet10_rows()
    assert list(rows) == ["input data", "conv1", "pool1", "res2", "res3", "res4", "res5", "pool2"]
    assert rows["conv1"] == {
        "specification": "7 x 7, 16, stride 2, 2",
        "output sizes": "112^2 x 16",
    }
    assert rows["res4"] == {
        "specification": "[3 x 3, 64; 3 x 3, 64] x 1",
        "output sizes": "14^2 x 64",
    }
    assert rows["pool2"] == {
        "specification": "7 x 7, 128, stride 1, 1",
        "output sizes": "1^2 x 128",
    }


def test_models_are_told_by_the_name_of_their_release() -> None:
    table = _table(
        {"CLIP": {}, "RN50": {}}, settings={"RN50": {"backbone": "timm/resnet50.tv_in1k"}}
    )
    rows = registered.model_rows(table, "openclip/ViT-B-32-quickgelu@openai")
    assert rows == {
        "CLIP": {
            "Architecture": "ViT-B-32",
            "Modality": "Vision-language",
            "Pre-trained Dataset": "weights 'openai'",
        },
        "RN50": {
            "Architecture": "resnet50",
            "Modality": "Vision",
            "Pre-trained Dataset": "weights 'tv_in1k'",
        },
    }
