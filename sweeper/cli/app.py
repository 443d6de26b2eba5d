"""The command `sweeper`: its commands, and how an error reaches the user."""

from __future__ import annotations

import sys

import typer

from sweeper.cli import (
    analyse,
    backbones,
    check,
    compare,
    doctor,
    export,
    history,
    launch,
    listing,
    papers,
    parameters,
    planning,
    tasks,
)
from sweeper.cli.output import stderr
from sweeper.errors import FaultError, InputError, SweeperError
from sweeper.execution.causes import refusal

app = typer.Typer(
    name="sweeper",
    help="Sweeps of prompt-learning methods on frozen vision transformers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    launch.run,
    planning.plan,
    launch.resume,
    history.status,
    history.report,
    compare.compare,
    export.export,
    export.convert,
    analyse.analyse,
    listing.methods,
    parameters.parameters,
    papers.papers,
    check.check,
    backbones.backbones,
    tasks.tasks,
    planning.validate,
    planning.schema,
    history.ui,
    doctor.doctor,
):
    app.command()(command)


def main() -> None:
    """Entry point. Exit codes: 0 ok, 2 bad input, 3 finished with failed trials, 4 budget
    exhausted, 5 a published report does not match the store, 6 stopped by a fault, 130 Ctrl-C.
    """
    try:
        app()
    except InputError as error:
        for problem in error.problems:
            stderr.print(f"error: {problem}", markup=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except SweeperError as error:
        stderr.print(f"error: {error}", markup=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if not (said := refusal(error)):
            raise
        told = f"error: the disk refused ({said}). Make room, and run the same command again"
        stderr.print(told, markup=False, soft_wrap=True)
        sys.exit(FaultError.exit_code)
    except KeyboardInterrupt:
        sys.exit(launch.EXIT_INTERRUPTED)
