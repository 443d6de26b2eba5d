from __future__ import annotations

import shutil
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import methods
from sweeper import discovery
from sweeper.errors import InputError

TEMPLATE = Path(methods.__path__[0]) / "_template.py"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return Path(shutil.copy(TEMPLATE, tmp_path / "mine.py"))


def edit(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in changes:
        assert old in text, f"the template no longer has {old!r}"
        text = text.replace(old, new)
    path.write_text(text)


def complaint(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        discovery.find(f"./{path.name}", path.parent)
    return str(caught.value)


def test_names_are_the_files_of_methods_without_those_that_start_with_an_underscore() -> None:
    files = {path.stem for path in TEMPLATE.parent.glob("*.py")}
    assert set(discovery.names()) == {name for name in files if not name.startswith("_")}
    assert {"tp", "lp", "iip", "pgn"} <= set(discovery.names())


def test_built_in_method_is_known_by_its_name_alone() -> None:
    plugin = discovery.find("pgn", Path("/nowhere"))
    assert (plugin.name, plugin.identity, plugin.trains) == ("pgn", "pgn", True)
    assert plugin.summary.startswith("Prompt generation network")
    assert plugin.source.endswith("methods/pgn.py")
    assert not discovery.find("tp", Path()).trains


def test_file_is_found_relative_to_the_folder_and_known_by_its_source(mine: Path) -> None:
    plugin = discovery.find("./mine.py", mine.parent)
    name, digest = plugin.identity.split("@")
    assert (name, len(digest)) == ("mine", 12)
    assert discovery.find(str(mine), Path("/nowhere")).identity == plugin.identity
    edit(mine, ("0.02, gt=0", "0.03, gt=0"))
    changed = discovery.find("./mine.py", mine.parent)
    assert changed.identity != plugin.identity
    assert changed.params().model_dump()["token_std"] == 0.03
    assert plugin.params().model_dump()["token_std"] == 0.02


def test_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(InputError, match="Did you mean 'pgn'"):
        discovery.find("pgnn", Path())


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.py: there is no such file"):
        discovery.find("./absent.py", tmp_path)


def test_file_that_does_not_import_says_why(mine: Path) -> None:
    edit(mine, ("import torch\n", "import torch\nimport no_such_module\n"))
    assert "ModuleNotFoundError: No module named 'no_such_module'" in complaint(mine)


def test_all_missing_pieces_come_out_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bare.py"
    path.write_text("SPACE = {}\nREQUIRES = frozenset()\n")
    text = complaint(path)
    for piece in ("a docstring", "class Params", "PRESETS", "def skip", "class Method"):
        assert piece in text
    assert "SPACE, " not in text
    assert str(path.name) in text
    assert "_template.py" in text


def test_all_broken_rules_come_out_at_once(mine: Path) -> None:
    edit(
        mine,
        ("    token_std: float", "    lr: float = param(1.0)\n    token_std: float"),
        ("LogUniform(0.001, 1.0)", "LogUniform(0.001, 100.0)"),
        ('    "shift": Choice((True, False)),', '    "shft": Choice((True, False)),'),
        (
            '{"shift": False, "optimizer": "sgd", "lr": 0.1}',
            '{"epoch": 3, "batch_size": 0, "shots": -1, "selection": "best_test"}',
        ),
        ('frozenset({"input_tokens", "text"})', 'frozenset({"pixels"})'),
        ("        seed: int,\n", ""),
    )
    text = complaint(mine)
    assert "parameter 'lr' is a name of the recipe or the trial" in text
    assert "SPACE reaches out of bounds: 'token_std' = 100.0" in text
    assert "SPACE has 'shft'" in text
    assert "Did you mean 'shift'" in text
    assert "preset 'plain' sets 'epoch'" in text
    assert "Did you mean 'epochs'" in text
    assert "preset 'plain': 'batch_size' = 0" in text
    assert "preset 'plain': 'shots' = -1" in text
    assert "preset 'plain' has selection: best_test; expected it in the preset 'official'" in text
    assert "REQUIRES has 'pixels'" in text
    assert "Method() does not take seed" in text
    assert len(text.splitlines()) == 9


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("SPACE: Mapping[str, Space] = {", "SPACE = 3\n_ = {", "SPACE is a int"),
        ("class Params(MethodParams)", "class Params", "Params is not a MethodParams"),
        ("class Method(nn.Module)", "class Method", "Method is not an nn.Module"),
        ("LogUniform(0.001, 1.0)", "(0.001, 1.0)", "SPACE['token_std'] is (0.001, 1.0)"),
        ("param(True,", "param(", "parameter 'shift' has no default"),
        ("param(0.02, gt=0", "param(-1.0, gt=0", "the default of 'token_std' = -1.0"),
        ("def skip(", "TRAINS = 'no'\n\n\ndef skip(", "TRAINS is 'no'"),
        ("def skip(", "FEATURES = 'tiny'\n\n\ndef skip(", "FEATURES is 'tiny'"),
        ("def skip(", "FEATURES = 'tower'\n\n\ndef skip(", "without features() or classify()"),
    ],
)
def test_each_rule_is_named(mine: Path, old: str, new: str, expected: str) -> None:
    edit(mine, (old, new))
    assert expected in complaint(mine)


class TestEntryPoints:
    """Another package's method, offered under the group `sweeper.methods`."""

    @pytest.fixture
    def offer(self, monkeypatch: pytest.MonkeyPatch, mine: Path) -> str:
        mine.rename(mine.with_name("theirs_module.py"))
        monkeypatch.syspath_prepend(str(mine.parent))
        point = EntryPoint(name="theirs", value="theirs_module", group=discovery.GROUP)
        monkeypatch.setattr(discovery, "_installed", lambda: {"theirs": point, "iip": point})
        discovery._from_module.cache_clear()
        return "theirs"

    def test_is_a_method_known_by_its_source(self, offer: str) -> None:
        assert discovery.names()[-1] == offer
        plugin = discovery.find(offer, Path())
        assert plugin.identity.startswith("theirs@")
        assert discovery.find(plugin.identity, Path()) is plugin

    def test_of_another_source_than_the_trial_is_refused(self, offer: str) -> None:
        with pytest.raises(InputError, match="what is installed is 'theirs@"):
            discovery.find(f"{offer}@000000000000", Path())

    @pytest.mark.usefixtures("offer")
    def test_may_not_take_a_built_in_name(self) -> None:
        with pytest.raises(InputError, match="also offered by theirs_module"):
            discovery.find("iip", Path())


def test_recorded_identity_of_a_users_file_asks_for_its_path() -> None:
    with pytest.raises(InputError, match="name its path"):
        discovery.find("mine@0123456789ab", Path())
