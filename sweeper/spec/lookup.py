"""The catalog's answers about the names in a sweep file, each asked for once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sweeper.errors import InputError
from sweeper.spec.catalog import Catalog, Data, MethodEntry, Weights
from sweeper.spec.node import Mistakes, Node

Answer = TypeVar("Answer")


class Lookup:
    """What the catalog knows about the nodes that name a method, a backbone or a task.

    Every question returns None after the mistake was noted. `sources` gathers the user's own
    files: identity -> absolute path; for a joint task with folders, its parts joined by '+'.
    """

    def __init__(self, catalog: Catalog, mistakes: Mistakes) -> None:
        self.sources: dict[str, str] = {}
        self._catalog, self._mistakes = catalog, mistakes
        self._methods: dict[tuple[str, Path], MethodEntry | InputError] = {}
        self._backbones: dict[tuple[str, Path], Weights | InputError] = {}
        self._tasks: dict[tuple[str, Path], Data | InputError] = {}

    def method(self, node: Node) -> MethodEntry | None:
        """The method that `node` names."""
        known = [*self._catalog.methods()]
        entry = self._ask(self._methods, "method", node, known, self._catalog.method)
        if entry is not None and is_path(str(node.value), known):
            self.sources[entry.identity] = _absolute(node)
        return entry

    def backbone(self, node: Node) -> Weights | None:
        """The backbone that `node` names; the catalog knows more than it lists."""
        found = self._ask(self._backbones, "backbone", node, None, self._catalog.backbone)
        if found is not None and found.source:
            self.sources[found.identity] = found.source
        return found

    def task(self, node: Node) -> Data | None:
        """The task that `node` names; of a joint one, the catalog knows what is wrong."""
        known = None if "+" in str(node.value) else [*self._catalog.tasks()]
        found = self._ask(self._tasks, "task", node, known, self._catalog.task)
        if found is not None and found.source:
            self.sources[found.identity] = found.source
        return found

    def _ask(
        self,
        answers: dict[tuple[str, Path], Answer | InputError],
        what: str,
        node: Node,
        known: list[str] | None,
        question: Callable[[str, Path], Answer],
    ) -> Answer | None:
        name = node.value
        if not isinstance(name, str) or not name:
            self._mistakes.add(node.place, f"{what}: {node.kind}", f"the name of a {what}")
            return None
        if known is not None and name not in known and not is_path(name, known):
            rule = f"a {what} that `sweeper {what}s` lists, or the path of one (./{name})"
            self._mistakes.unknown(node.place, what, name, known, rule)
            return None
        key = (name, node.folder)
        if key not in answers:
            try:
                answers[key] = question(name, node.folder)
            except InputError as error:
                answers[key] = error
        answer = answers[key]
        if isinstance(answer, InputError):
            self._mistakes.adopt(node, answer)
            return None
        return answer


def is_path(name: str, known: list[str]) -> bool:
    """Whether `name` is the path of a user's file or folder, not a name of the catalog."""
    return name not in known and (name.startswith(".") or "/" in name)


def _absolute(node: Node) -> str:
    return str((node.folder / Path(str(node.value)).expanduser()).resolve())
