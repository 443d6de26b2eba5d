"""Ray's temporary copies are told from folders that stay."""

from __future__ import annotations

from pathlib import Path

from sweeper.execution.copied import is_copy


def test_only_what_lies_in_a_copy_of_ray_is_one(tmp_path: Path) -> None:
    copy = tmp_path / "session" / "runtime_resources" / "working_dir_files" / "_ray_pkg_0123"
    assert is_copy(copy / "results")
    assert not is_copy(tmp_path / "working_dir_files" / "results")
    copy.mkdir(parents=True)
    (tmp_path / "link").symlink_to(copy)
    assert is_copy(tmp_path / "link" / "results")
