"""What a sweep, a profile, a table or a figure may be called: its name names folders and files."""

from __future__ import annotations

import re

# Beginnings and endings are added, and a file system takes 255 characters.
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
RULE = "1 to 100 letters, digits, '_', '.', '-', no '.' or '-' first: it names files"
# What lies in the results folder beside the reports, and MLflow's own experiment.
TAKEN = (
    *("analysis", "checkpoints", "default", "exported", "failures", "mlartifacts", "mlflow.db"),
    *("running", "work"),
)


def misfit(name: object, taken: tuple[str, ...] = ()) -> str:
    """The rule that `name` breaks; empty where it can name a file, and is not `taken`."""
    if not isinstance(name, str) or not FILE_NAME.fullmatch(name):
        return RULE
    return f"none of {', '.join(taken)}, which are taken" if name.lower() in taken else ""
