"""No file of weights, images or results runs code when it is read."""

from __future__ import annotations

import ast
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sweeper
from sweeper.backbones import npz_file, state_file
from sweeper.errors import CheckpointError, InputError
from sweeper.exported.release import read_release
from sweeper.tasks import npz
from sweeper.tasks.sets import cifar
from sweeper.train import checkpoint, trained

HOME = Path(sweeper.__file__).resolve().parents[1]
# What reads a pickle or runs a file, and why it may: (file, what it calls).
ALLOWED = {
    # the one door of a user's own methods
    ("sweeper/discovery.py", "spec.loader.exec_module"),
    # the error of a trial in Ray's own words, which Ray wrote into this launch's scratch folder
    ("sweeper/execution/failure.py", "cloudpickle.loads"),
    # pickles, as their authors release them; torchvision compares their checksums first
    ("sweeper/tasks/sets/cifar.py", "datasets.CIFAR10"),
    ("sweeper/tasks/sets/cifar.py", "datasets.CIFAR100"),
}
READERS = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
RUNNERS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "torch.hub.load"}
METHODS = {"exec_module", "run_path", "run_module", "read_pickle", "extractall"}


class Hostile:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.mark), "w"))


def _zip_of_pickle(path: Path, evil: Hostile) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps(evil))
        file.writestr("archive/version", "3")


def _plain(path: Path, evil: Hostile) -> None:
    path.write_bytes(pickle.dumps({"a": evil}))


def _by_torch(path: Path, evil: Hostile) -> None:
    torch.save({"state_dict": {"a": torch.ones(2), "b": evil}}, path)


def _by_old_torch(path: Path, evil: Hostile) -> None:
    torch.save({"a": evil}, path, _use_new_zipfile_serialization=False)


def _objects(path: Path, evil: Hostile) -> None:
    with path.open("wb") as file:
        given: Any = np.array([evil], dtype=object)
        np.savez(file, **{npz_file.KERNEL: given, "images": given, "labels": given})


WRITERS = (_zip_of_pickle, _plain, _by_torch, _by_old_torch, _objects)
READING: dict[str, Callable[[Path], Any]] = {
    "weights.pth": state_file.read,
    "weights.bin": state_file.read,
    "weights.safetensors": state_file.read,
    "weights.npz": state_file.read,
    "images.npz": npz.collection,
    "pgn_clip_x.pt": read_release,
    "state.safetensors": trained.read,
    "trial.safetensors": lambda path: checkpoint.read(path, "id"),
}


@pytest.mark.parametrize("write", WRITERS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", READING)
def test_a_file_with_code_in_it_is_refused_and_not_run(
    tmp_path: Path, name: str, write: Callable[[Path, Hostile], None]
) -> None:
    mark = tmp_path / "ran"
    write(tmp_path / name, Hostile(mark))
    with pytest.raises((InputError, CheckpointError), match=name):
        READING[name](tmp_path / name)
    assert not mark.exists()


def test_the_hostile_files_would_run_where_they_are_unpickled(tmp_path: Path) -> None:
    _by_torch(tmp_path / "x", Hostile(tmp_path / "ran"))
    torch.load(tmp_path / "x", weights_only=False)
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_is_unpickled_only_as_it_was_released(tmp_path: Path, name: str) -> None:
    folder = tmp_path / cifar.FOLDERS[name]
    folder.mkdir()
    files = [f"data_batch_{n}" for n in range(1, 6)]
    for file in (*files, "test_batch", "batches.meta", "train", "test", "meta"):
        _plain(folder / file, Hostile(tmp_path / "ran"))
    (reader,) = (each.read for each in cifar.SETS if each.name == name)
    with pytest.raises(InputError, match="damaged"):
        reader(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_no_other_door_reads_a_pickle_or_runs_a_text() -> None:
    files = [p for part in ("sweeper", "methods", "reports") for p in (HOME / part).rglob("*.py")]
    assert len(files) > 200
    found = {
        (path.relative_to(HOME).as_posix(), called)
        for path in files
        for called in _doors(ast.parse(path.read_bytes()))
    }
    assert found == ALLOWED


@pytest.mark.parametrize(
    "source",
    ["torch.load(p)", "torch.load(p, weights_only=False)", "np.load(p)", "YAML()", "eval('1')",
     "numpy.load(p, allow_pickle=True)", "pickle.loads(b)", "from pickle import loads",
     "subprocess.run('x', shell=True)", "pandas.read_pickle(p)", "yaml.load(p)",
     "pickle.Unpickler(f).load()", "datasets.CIFAR10(p)", "f(allow_pickle=True)"],
)  # fmt: skip
def test_such_doors_would_be_seen(source: str) -> None:
    assert [*_doors(ast.parse(source))]


def _doors(tree: ast.AST) -> Iterator[str]:
    """What of a module unpickles, or runs a text, in what it calls or imports by its own name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in READERS:
            yield f"from {node.module}"
        elif isinstance(node, ast.Attribute) and node.attr in ("CIFAR10", "CIFAR100"):
            yield ast.unparse(node)
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        said = {word.arg: ast.unparse(word.value) for word in node.keywords}
        owner, _, name = called.rpartition(".")
        doors = (
            owner in READERS and name not in ("dumps", "dump"),
            owner == "yaml",
            called in RUNNERS or name in METHODS,
            called == "torch.load" and said.get("weights_only") != "True",
            called in ("np.load", "numpy.load") and said.get("allow_pickle") != "False",
            name == "YAML" and said.get("typ") != "'safe'",
            "True" in (said.get("shell"), said.get("allow_pickle")),
            "trust_remote_code" in said,
        )
        if any(doors):
            yield called
