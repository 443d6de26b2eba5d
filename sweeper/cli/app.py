"""The command `sweeper`: its commands, and how an error reaches the user."""

from __future__ import annotations

import signal
import sys

import typer

from sweeper.cli import (
    analyse,
    backbones,
    check,
    compare,
    deliver,
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
from sweeper.cli.output import redact_streams, stderr
from sweeper.errors import FaultError, InputError, SweeperError
from sweeper.execution.causes import refusal
from sweeper.execution.interrupt import EXIT_INTERRUPTED
from sweeper.redaction import password_in

SEEN = (
    "warning: a password on the command line is seen by all users of this machine (`ps`) and stays "
    "in the shell's history; put the store into MLFLOW_TRACKING_URI, a server's user and password "
    "into MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
)

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
    deliver.deliver,
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
    redact_streams()
    if any(map(password_in, sys.argv[1:])):
        stderr.print(SEEN, markup=False)
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
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and end.code != EXIT_INTERRUPTED:
            raise
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # while Python and Ray end, another is quiet
        stderr.print("Interrupted. What is recorded stays; the same command goes on.")
        sys.exit(EXIT_INTERRUPTED)
