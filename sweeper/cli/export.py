"""`export`, `convert`: a trained model, or released weights, as a folder that `load` reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweeper.cli import options
from sweeper.cli.output import print_json, print_line, stderr
from sweeper.errors import InputError, Problem

if TYPE_CHECKING:
    from sweeper.tracking.history import RecordedTrial
    from sweeper.tracking.store import Store

TrialId = Annotated[str, typer.Argument(help="A trial's id, or enough of its first digits.")]
To = Annotated[
    Path | None, typer.Option("--to", help="Folder to write; default: exported/ in the results.")
]


def export(
    trial: TrialId,
    to: To = None,
    store: options.Store = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
) -> None:
    """Write what a finished trial has learned to a folder, with its description."""
    from sweeper.tracking.store import open_store
    from sweeper.tracking.trained import find_trial

    opened = open_store(options.store_uri(store, results))
    found = find_trial(opened, trial)
    folder = to or results / "exported" / found.trial_id
    write_export(opened, found, folder)
    _say("export", folder, found.trial_id, json=json)


def write_export(store: Store, found: RecordedTrial, folder: Path) -> None:
    """The export of a finished trial. Raises InputError where it kept nothing, or not its own."""
    from sweeper.exported.description import docstring, of_trial
    from sweeper.exported.folder import check_folder, write
    from sweeper.tracking.names import TRAINED
    from sweeper.tracking.trained import source_of, trained_file
    from sweeper.train.trained import digest_of, read

    path = trained_file(store, found)
    check_folder(folder, found.trial_id)
    spec, result, trained = found.spec, found.result, read(path)
    assert result is not None, "trained_file takes finished trials alone"
    if digest_of(path) != result.provenance.get(TRAINED) or trained.trial_id != found.trial_id:
        raise InputError(
            Problem(str(path), "other tensors than the trial recorded", "the trial's own file")
        )
    source = source_of(store, found)
    text = source if source is not None else _installed_source(spec.method)
    write(folder, of_trial(spec, result, trained, docstring(text)), trained, source)


def convert(
    file: Annotated[Path, typer.Argument(help="Released PGN weights, such as pgn_clip_x.pt.")],
    task: Annotated[str, typer.Option("--task", help="The task that they were trained for.")],
    backbone: Annotated[str, typer.Option("--backbone", help="The backbone they belong to.")],
    to: To = None,
    results: options.Results = options.DEFAULT_RESULTS,
    json: options.Json = False,
) -> None:
    """Write released PGN weights to a folder as `export` does."""
    from sweeper.backbones import towers
    from sweeper.exported.folder import write
    from sweeper.exported.release import of_release
    from sweeper.tasks import catalog as tasks

    known = tasks.describe(task, Path.cwd())
    frozen = towers.find(backbone, Path.cwd())
    info = towers.describe(frozen.name, path=frozen.source)
    description, trained = of_release(file, known, info)
    folder = to or results / "exported" / file.stem
    write(folder, description, trained)
    for note in description.notes:
        stderr.print(f"warning: {note}", markup=False, soft_wrap=True)
    _say("convert", folder, description.id, json=json)


def _installed_source(method: str) -> bytes:
    from sweeper.discovery import installed

    return Path(installed(method).source).read_bytes()


def _say(kind: str, folder: Path, identity: str, *, json: bool) -> None:
    if json:
        print_json(kind, id=identity, folder=str(folder))
        return
    print_line(str(folder))
