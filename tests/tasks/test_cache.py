from pathlib import Path

import pytest

from sweeper.errors import InputError
from sweeper.tasks import cache


def test_the_cache_is_where_the_user_says(monkeypatch, tmp_path):
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path))
    assert cache.root() == tmp_path
    monkeypatch.delenv("SWEEPER_CACHE")
    assert cache.root() == Path.home() / ".cache" / "sweeper"


def test_a_disk_that_refuses_is_bad_input(tmp_path):
    with (
        pytest.raises(InputError, match=r"No space left on device.*SWEEPER_CACHE"),
        cache.writing(tmp_path),
    ):
        raise OSError(28, "No space left on device")
