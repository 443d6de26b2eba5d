"""The released weights of a launch: fetched once a node before it begins, or one error."""

from __future__ import annotations

from collections.abc import Sequence

from sweeper.backbones import towers
from sweeper.errors import ClusterError, InputError, Problem
from sweeper.execution.cluster import Cluster, alive_nodes
from sweeper.execution.survey import ask, troubles
from sweeper.spec.plan import Plan
from sweeper.spec.sources import kind_of
from sweeper.spec.trial import TrialSpec


def released(plan: Plan, todo: Sequence[TrialSpec]) -> list[str]:
    """The backbones of `todo`, and of the search, that are no files of the user's."""
    named = plan.backbones(todo)
    return [name for name, identity in named if kind_of(identity) != "weights"]


def fetch(names: Sequence[str], cluster: Cluster) -> None:
    """Have the weights of `names` on disk, by the libraries' own download where they are not.

    Raises InputError with all that are not to be had here; ClusterError for those that a node of
    another cluster cannot have.
    """
    if not cluster.address:
        if lost := lacking(names):
            raise InputError(lost)
        return
    nodes = alive_nodes() if names else []
    if lines := troubles(ask(nodes, _lacking, names, seconds=None)):
        raise ClusterError("\n".join(lines))


def lacking(names: Sequence[str]) -> list[Problem]:
    """What keeps the weights of `names` from being on disk, once all were tried."""
    problems: list[Problem] = []
    for name in names:
        try:
            towers.fetch(name)
        except InputError as error:
            problems += error.problems
    return problems


def _lacking(names: Sequence[str]) -> list[str]:
    return [str(problem) for problem in lacking(names)]
