"""One section of a sweep file, read into the model that it describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sweeper.errors import Place
from sweeper.spec.node import Mistakes, Node

Model = TypeVar("Model", bound=BaseModel)


def entries(node: Node | None, name: str, mistakes: Mistakes) -> Mapping[str, Node]:
    """The entries of the mapping `name`, without those set to null; none if it is absent."""
    if node is None:
        return {}
    if not isinstance(node.value, dict):
        mistakes.add(node.place, f"{name}: {node.kind}", "a mapping")
    return {key: each for key, each in node.items.items() if each.value is not None}


def elements(node: Node | None, name: str, mistakes: Mistakes) -> tuple[Node, ...]:
    """The elements of the list `name`; none if it is absent."""
    if node is not None and not isinstance(node.value, tuple):
        mistakes.add(node.place, f"{name}: {node.kind}", "a list")
    return node.elements if node is not None else ()


def only(given: Mapping[str, Node], known: Sequence[str], what: str, mistakes: Mistakes) -> None:
    """Note every key of `given` that is not in `known`."""
    for name, node in given.items():
        if name not in known:
            mistakes.unknown(node.start, what, name, known, f"a {what}")


def build(
    model: type[Model], given: Mapping[str, Node], where: Place, what: str, mistakes: Mistakes
) -> Model | None:
    """A `model` of the values in `given`, or None after noting each that it refuses."""
    try:
        return model.model_validate(
            {name: node.plain() for name, node in given.items()}, strict=True
        )
    except ValidationError as error:
        for each in error.errors():
            _note(model, given, where, what, each, mistakes)
        return None


def _note(
    model: type[BaseModel],
    given: Mapping[str, Node],
    where: Place,
    what: str,
    error: Any,
    mistakes: Mistakes,
) -> None:
    name = str(error["loc"][0]) if error["loc"] else what
    if error["type"] == "extra_forbidden":
        only({name: given[name]}, list(model.model_fields), f"key of {what}", mistakes)
    elif error["type"] == "missing":
        mistakes.add(where, f"{what} has no '{name}'", f"a '{name}'")
    else:
        node = given.get(name)
        rule = plain_rule(str(error["msg"]))
        got = f"{name}: {node.kind}" if node is not None else what
        mistakes.add(node.place if node is not None else where, got, rule)


def plain_rule(text: str) -> str:
    """What pydantic asks for, to be read after "expected"."""
    return text.removeprefix("Value error, ").removeprefix("Input should be ")
