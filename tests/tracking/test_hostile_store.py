"""What a store says, which others may have written, names no file elsewhere and runs nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import methods
from sweeper.analysis import restored
from sweeper.discovery import identity_of
from sweeper.errors import InputError, StoreError
from sweeper.tracking import history
from sweeper.tracking.artifact import artifact
from sweeper.tracking.trained import find_trial

RUN: Any = SimpleNamespace(run_id="r1", artifact_uri="/nowhere")


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "a\0b"])
@pytest.mark.parametrize("folder", [None, "here"])
def test_an_artifact_is_one_of_its_run(tmp_path: Path, name: str, folder: str | None) -> None:
    artifacts = tmp_path / folder if folder else None
    store: Any = SimpleNamespace(uri="http://store", artifacts=artifacts, client=None)
    with pytest.raises(StoreError, match="outside of its artifacts"):
        artifact(store, RUN, name)


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "x", "ABCDEF0123456789", "a" * 17, ""])
def test_a_trial_whose_id_is_none_names_no_folder(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    good = "0123456789abcdef"
    monkeypatch.setattr(history, "recorded_trials", lambda _: {name: "evil", good: "good"})
    store: Any = SimpleNamespace(uri="http://store")
    for asked in (name, name[:3]):
        try:
            assert find_trial(store, asked) == "good"  # type: ignore[comparison-overlap]
        except InputError as error:
            assert "trial" in str(error)  # noqa: PT017
    assert find_trial(store, good[:4]) == "good"  # type: ignore[comparison-overlap]


def test_a_methods_text_from_a_server_runs_only_beside_the_users_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = Path(methods.__path__[0]) / "_template.py"
    text = template.read_bytes() + f"\nopen({str(tmp_path / 'ran')!r}, 'w').close()\n".encode()
    (tmp_path / "sent.py").write_bytes(text)
    identity = identity_of("mine", tmp_path / "sent.py")
    own = tmp_path / "mine.py"
    monkeypatch.setattr(restored, "source_of", lambda *_: text)
    monkeypatch.setattr(restored.Restorer, "_source", lambda *_: str(own))
    trial: Any = SimpleNamespace(spec=SimpleNamespace(method=identity))
    server: Any = SimpleNamespace(artifacts=None)
    restorer = restored.Restorer(server, torch.device("cpu"))
    for content in (None, template.read_bytes()):
        if content is not None:
            own.write_bytes(content)
        with pytest.raises(InputError, match="a text on a server, which is not run"):
            restorer._plugin(trial)
        assert not (tmp_path / "ran").exists()
    shutil.copy(tmp_path / "sent.py", own)
    assert restorer._plugin(trial).identity == identity
    own.unlink()
    local: Any = SimpleNamespace(artifacts=tmp_path)  # a folder of the user is theirs
    assert restored.Restorer(local, torch.device("cpu"))._plugin(trial).identity == identity
