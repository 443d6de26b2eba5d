import re
import socket
import subprocess

from sweeper.tracking import provenance


def git(folder, *arguments):
    name = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run(["git", "-C", str(folder), *name, *arguments], check=True, capture_output=True)


def checkout(folder):
    git(folder, "init", "-q")
    (folder / "package").mkdir()
    (folder / "package" / "code.py").write_text("x = 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder / "package"


def test_a_clean_checkout_has_a_commit_and_no_difference(tmp_path):
    found = provenance.code(checkout(tmp_path))
    assert re.fullmatch("[0-9a-f]{40}", found["commit"])
    assert found["dirty"] == "no"
    assert "difference" not in found


def test_each_change_of_the_code_has_a_digest_of_its_own(tmp_path):
    source = checkout(tmp_path)
    digests = set()
    for text in ("x = 2\n", "x = 3\n"):
        (source / "code.py").write_text(text)
        found = provenance.code(source)
        assert found["dirty"] == "yes"
        digests.add(found["difference"])
    (source / "new.py").write_text("y = 1\n")
    digests.add(provenance.code(source)["difference"])
    assert len(digests) == 3


def test_an_installed_package_inside_somebodys_repository_has_no_commit(tmp_path):
    checkout(tmp_path)
    installed = tmp_path / "environment"
    installed.mkdir()
    assert provenance.code(installed) == {"commit": "none", "dirty": "unknown"}


def test_everything_is_text_and_nothing_names_the_machine():
    found = provenance.collect()
    assert all(isinstance(value, str) and value for value in found.values())
    assert {"command", "hardware", "commit", "dirty", "version.python", "version.ray"} <= set(found)
    assert socket.gethostname() not in found["hardware"]
