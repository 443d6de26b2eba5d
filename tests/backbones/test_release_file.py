"""Where released weights are looked for, and what is said where they are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import constants

from sweeper.backbones.release_file import ReleaseFile
from sweeper.errors import InputError

HUB = ReleaseFile("maker/net", ("model.safetensors", "pytorch_model.bin"))
URL = ReleaseFile("", (), "https://example.org/a/net.pth.tar?x=1")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No network, and empty caches under `tmp_path`."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def put(root: Path, name: str, revision: str = "main", ref: str | None = None) -> Path:
    """A file in the layout of the hub's cache."""
    folder = root / "hub" / "models--maker--net"
    path = folder / "snapshots" / revision / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    if ref is not None:
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text(ref)
    return path


def test_a_file_of_the_hub_s_cache_is_found_at_its_revision(tmp_path: Path) -> None:
    assert HUB.cached() is None
    path = put(tmp_path, "model.safetensors", "abc123", ref="abc123")
    assert HUB.cached() == HUB.fetched("timm/net.tag") == path


def test_the_second_name_serves_where_the_first_is_not_there(tmp_path: Path) -> None:
    path = put(tmp_path, "pytorch_model.bin", "abc123", ref="abc123")
    assert HUB.cached() == path


def test_a_file_behind_a_url_is_found_in_torch_s_cache(tmp_path: Path) -> None:
    assert URL.cached() is None
    path = tmp_path / "torch" / "hub" / "checkpoints" / "net.pth.tar"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    assert URL.cached() == URL.fetched("timm/net.tag") == path


def test_missing_offline_names_repository_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        HUB.fetched("timm/net.tag")
    assert len(caught.value.problems) == 1
    said = str(caught.value)
    assert "backbone 'timm/net.tag'" in said
    assert "'model.safetensors' of the repository 'maker/net'" in said
    assert "'pytorch_model.bin'" in said
    assert str(tmp_path / "hub" / "models--maker--net" / "snapshots" / "main") in said
    assert "HF_HOME" in said
    assert "./model.safetensors@timm/net.tag" in said


@pytest.mark.parametrize("ref", [None, "abc123"])
def test_a_file_put_where_the_error_says_is_found(tmp_path: Path, ref: str | None) -> None:
    if ref is not None:
        put(tmp_path, "config.json", ref, ref=ref)
    with pytest.raises(InputError) as caught:
        HUB.fetched("timm/net.tag")
    folder = Path(str(caught.value).split("put it into ")[1].split(" (HF_HOME")[0])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    assert HUB.cached() == folder / "model.safetensors"


def test_missing_behind_a_url_names_it_and_torch_s_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refused(*_: object, **__: object) -> str:
        raise OSError("no route")

    monkeypatch.setattr("sweeper.backbones.release_file.download_cached_file", refused)
    with pytest.raises(InputError) as caught:
        URL.fetched("timm/net.tag")
    said = str(caught.value)
    assert "no route" in said
    assert "https://example.org/a/net.pth.tar?x=1" in said
    assert str(tmp_path / "torch" / "hub" / "checkpoints") in said
    assert "TORCH_HOME" in said


def test_a_repository_without_safetensors_gives_its_other_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from huggingface_hub.errors import EntryNotFoundError

    def hub(repository: str, name: str) -> str:
        if name.endswith(".safetensors"):
            raise EntryNotFoundError(name)
        return f"/cache/{repository}/{name}"

    monkeypatch.setattr("huggingface_hub.hf_hub_download", hub)
    assert HUB.fetched("timm/net.tag") == Path("/cache/maker/net/pytorch_model.bin")
