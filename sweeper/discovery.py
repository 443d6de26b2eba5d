"""Method name -> `Plugin`: a built-in file, an entry point of another package, or `./path.py`.

A file is imported only when it is asked for. All that is wrong with it comes out at once.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from sweeper.errors import InputError, Problem, nearest
from sweeper.method import Plugin, place_in
from sweeper.method_file import read

GROUP = "sweeper.methods"  # of entry points
OWN = Path(__file__).resolve().parents[1] / "methods"  # absent where Ray ships it by itself


def names() -> list[str]:
    """Every method that `find` knows by name, built-in ones first."""
    return [*_built_in(), *(name for name in sorted(_installed()) if name not in _built_in())]


def is_path(name: str) -> bool:
    """Whether `name` means a file."""
    return name.endswith(".py") or name.startswith(".") or "/" in name


def find(name: str, folder: Path) -> Plugin:
    """The method called `name`, or in the file `name` relative to `folder`.

    Raises:
        InputError: there is none, two packages claim the name, or the file is not a method.
    """
    return _from_path(folder / name) if is_path(name) else installed(name)


def installed(name: str) -> Plugin:
    """The method that is installed as `name`; no file is run because of what is recorded.

    `name@digest`, as trials record a file that is not built in, is found if that very source
    is installed.

    Raises:
        InputError: there is none, or two packages claim the name.
    """
    base, _, digest = name.partition("@")
    if base not in names():
        hint = nearest(base, names())
        if digest:
            hint = f"It was a user's file: name its path. {hint}"
        raise InputError(
            Problem(f"method '{name}'", "there is none of that name", "a method or ./file.py", hint)
        )
    if base in _built_in() and base in _installed():
        other = _installed()[base].value
        raise InputError(
            Problem(f"method '{base}'", f"built in, and also offered by {other}", "one of the two")
        )
    plugin = _from_module(base)
    if digest and plugin.identity != name:
        raise InputError(
            Problem(f"method '{name}'", f"what is installed is '{plugin.identity}'", "that source")
        )
    return plugin


@cache
def _built_in() -> tuple[str, ...]:
    """Names of the files of `methods/`, none of which is imported."""
    package = importlib.util.find_spec("methods")
    folders = [*(package.submodule_search_locations or ())] if package else []
    if OWN.is_dir() and not any(Path(folder).resolve() == OWN for folder in folders):
        got = f"found first in {', '.join(folders) or 'no folder'}, which was not run"
        hint = "Start Python with -P or elsewhere, or take that folder out of PYTHONPATH."
        raise InputError(Problem("package 'methods'", got, str(OWN), hint))
    files = [file for folder in folders for file in Path(folder).glob("*.py")]
    return tuple(sorted(file.stem for file in files if not file.stem.startswith("_")))


@cache
def _installed() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


@cache
def _from_module(name: str) -> Plugin:
    built_in = name in _built_in()
    target = f"methods.{name}" if built_in else _installed()[name].value
    module = importlib.import_module(target)
    source = Path(module.__file__ or "")
    return read(module, name, source, identity=name if built_in else identity_of(name, source))


def _from_path(path: Path) -> Plugin:
    if not path.is_file():
        raise InputError(
            Problem(f"method file {path}", "there is no such file", "a file like _template.py")
        )
    return _import_file(path.resolve(), identity_of(path.stem, path))


@cache
def _import_file(path: Path, identity: str) -> Plugin:
    # A name of its own for each source, so that two versions of a file can live in one process.
    module_name = "sweeper_method_" + identity.replace("@", "_")
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise InputError(Problem(f"method file {path}", "it is not Python", "a .py file"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise InputError(
            Problem(
                f"method file {place_in(error, str(path))}",
                f"it fails while being imported: {type(error).__name__}: {error}",
                "a file that imports",
            )
        ) from error
    return read(module, path.stem, path, identity=identity)


def identity_of(name: str, source: Path) -> str:
    """What a file that is not built in is called in a trial: its name with its digest."""
    return f"{name}@{hashlib.sha256(source.read_bytes()).hexdigest()[:12]}"
