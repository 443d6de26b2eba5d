"""What was done with the user's files, said once before a launch: which methods of theirs were run,
and what was assumed of their weights.
"""

from __future__ import annotations

from collections.abc import Iterator

from sweeper.cli.output import stderr
from sweeper.spec.plan import Plan
from sweeper.spec.sources import kind_of


def say_assumed(plan: Plan) -> None:
    """Print a line for each method file of `plan`, and for each file of weights that does not say
    what it is like.
    """
    for identity, path in plan.sources.items():
        if kind_of(identity) == "method":
            stderr.print(f"note: {path} is a method of this sweep, and was run", markup=False)
    for note in _notes(plan):
        stderr.print(f"warning: {note}", markup=False, soft_wrap=True)


def _notes(plan: Plan) -> Iterator[str]:
    named = plan.backbones(plan.trials())
    files = [(name, identity) for name, identity in named if kind_of(identity) == "weights"]
    if not files:
        return
    from sweeper.backbones import towers

    for name, identity in files:
        note = towers.describe(name, path=plan.sources[identity]).note
        if note:
            yield note
