"""What is computed once on a node: written whole or not at all, shared, made anew if damaged."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sweeper import cache

ROWS = torch.arange(12, dtype=torch.float32).view(4, 3)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "room"


class Maker:
    """Counts how often it makes the entry, in two pieces."""

    def __init__(self, rows: Tensor = ROWS) -> None:
        self.rows, self.calls = rows, 0

    def __call__(self, draft: cache.Draft) -> None:
        self.calls += 1
        draft.append("values", self.rows[:1])
        draft.append("values", self.rows[1:])
        draft.append("labels", torch.arange(len(self.rows)))
        draft.facts["digest"] = "abc"


def entry_file(folder: Path, name: str) -> Path:
    (found,) = folder.glob(f"*/{name}")
    return found


@pytest.mark.parametrize(
    "rows", [ROWS, ROWS.to(torch.uint8), ROWS.to(torch.bfloat16), ROWS[:, None], ROWS[:, :0]]
)
def test_what_was_made_is_read_back_bit_for_bit(rows: Tensor) -> None:
    make = Maker(rows)
    first, second = (cache.kept("room", {"a": 1, "b": ["x"]}, make) for _ in range(2))
    assert make.calls == 1
    for found in (first, second):
        assert found.tensors["values"].dtype == rows.dtype
        assert torch.equal(found.tensors["values"], rows)
        assert found.tensors["labels"].tolist() == [0, 1, 2, 3]
        assert found.facts == {"digest": "abc"}


def test_another_key_or_room_is_another_entry() -> None:
    make = Maker()
    for room, key in (("room", {"a": 1}), ("room", {"a": 2}), ("room", {"b": 1}), ("hall", {})):
        cache.kept(room, key, make)
    assert make.calls == 4


def test_an_entry_is_said_to_be_there_once_it_was_made() -> None:
    assert not cache.has("room", {"a": 1})
    cache.kept("room", {"a": 1}, Maker())
    assert cache.has("room", {"a": 1})
    assert not cache.has("room", {"a": 2})
    assert not cache.has("other", {"a": 1})


def test_writing_to_what_was_read_changes_no_file() -> None:
    first = cache.kept("room", {}, Maker()).tensors["values"]
    first += 1
    assert torch.equal(cache.kept("room", {}, Maker()).tensors["values"], ROWS)


@pytest.mark.parametrize("name", ["values.bin", "about.json"])
@pytest.mark.parametrize("damage", ["cut", "gone", "changed"])
def test_what_is_damaged_is_made_anew(folder: Path, name: str, damage: str) -> None:
    make = Maker()
    cache.kept("room", {}, make)
    file = entry_file(folder, name)
    if damage == "gone":
        file.unlink()
    else:
        data = file.read_bytes()
        file.write_bytes(data[:-3] if damage == "cut" else b"\xff" + data[1:])
    assert torch.equal(cache.kept("room", {}, make).tensors["values"], ROWS)
    assert make.calls == 2
    assert torch.equal(cache.kept("room", {}, make).tensors["values"], ROWS)
    assert make.calls == 2


def test_an_entry_under_the_name_of_another_key_is_not_taken_for_it(folder: Path) -> None:
    cache.kept("room", {"a": 1}, Maker())
    (one,) = folder.glob("*/about.json")
    other = Maker(2 * ROWS)
    cache.kept("room", {"a": 2}, other)
    (two,) = (path for path in folder.glob("*/about.json") if path != one)
    two.write_bytes(one.read_bytes())
    assert torch.equal(cache.kept("room", {"a": 2}, other).tensors["values"], 2 * ROWS)
    assert other.calls == 2


def test_a_failure_leaves_nothing_behind_and_is_told(folder: Path) -> None:
    def fails(draft: cache.Draft) -> None:
        draft.append("values", ROWS)
        raise RuntimeError("broken image")

    with pytest.raises(RuntimeError, match="broken image"):
        cache.kept("room", {}, fails)
    assert not [path for path in folder.iterdir() if path.is_dir()]
    assert torch.equal(cache.kept("room", {}, Maker()).tensors["values"], ROWS)


def test_what_a_killed_process_left_is_cleared_away(folder: Path) -> None:
    cache.kept("room", {}, Maker())
    (entry,) = (path for path in folder.iterdir() if path.is_dir())
    left = entry.with_suffix(".part")
    entry.rename(left)
    (left / "more.bin").write_bytes(b"half")
    assert set(cache.kept("room", {}, Maker()).tensors) == {"values", "labels"}
    assert not left.exists()


def test_a_folder_that_cannot_be_written_is_an_oserror(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("a file in the way")
    with pytest.raises(OSError, match="room"):
        cache.kept("room", {}, Maker())


def test_rows_that_do_not_go_together_are_refused() -> None:
    def mixed(draft: cache.Draft) -> None:
        draft.append("values", ROWS)
        draft.append("values", ROWS.double())

    with pytest.raises(ValueError, match="rows of 'values'"):
        cache.kept("room", {}, mixed)


def _race(count: int, meeting: object, made: object) -> None:
    def make(draft: cache.Draft) -> None:
        made.put(count)  # type: ignore[attr-defined]
        draft.append("values", ROWS)

    meeting.wait()  # type: ignore[attr-defined]
    assert torch.equal(cache.kept("room", {}, make).tensors["values"], ROWS)


def test_of_several_processes_one_makes_it_and_the_others_wait() -> None:
    context = multiprocessing.get_context("fork")
    meeting, made = context.Barrier(4), context.Queue()
    racers = [context.Process(target=_race, args=(n, meeting, made)) for n in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(60)
    assert [racer.exitcode for racer in racers] == [0] * 4
    assert made.get(timeout=5) in range(4)
    assert made.empty()
