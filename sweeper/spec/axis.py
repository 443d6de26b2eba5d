"""What varies: the entries of an ablated axis, of a crossed factor and of a grid parameter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sweeper.errors import Place
from sweeper.spec.node import Mistakes, Node, Scalar
from sweeper.spec.ranges import listed, read_space
from sweeper.spec.section import entries, only
from sweeper.spec.sources import name_of
from sweeper.spec.space import Choice

_WORDS = ("label", "target_row")  # of an entry written as a mapping; the rest are settings


@dataclass(frozen=True)
class Entry:
    """One row of an axis: what it is called, and the settings that it changes."""

    label: str
    changes: Mapping[str, Node]
    node: Node
    value: Scalar
    target_row: str = ""  # the row of the published table, when it is called otherwise


@dataclass(frozen=True)
class Axis:
    """A factor and its entries, in the order of the file."""

    name: str
    entries: tuple[Entry, ...]
    node: Node


def read_axes(section: Node | None, what: str, mistakes: Mistakes) -> list[Axis]:
    """The axes of the section `what`: `axis: {values: [...]}` or `axis: [...]`."""
    axes = []
    for name, node in entries(section, what, mistakes).items():
        values = node
        if isinstance(node.value, dict):
            only(node.items, ["values"], f"key of {what}.{name}", mistakes)
            values = node.items.get("values", node)
        if not values.elements:
            rule = "a list of one value or more, under 'values'"
            mistakes.add(values.place, f"{what}.{name}: {values.kind}", rule)
        axes.append(Axis(name, _entries(name, node, values.elements, mistakes), node))
    return axes


def read_grid(section: Node | None, mistakes: Mistakes) -> list[Axis]:
    """The section `parameters` of a sweep without a search: every combination is a cell."""
    axes = []
    for name, node in entries(section, "parameters", mistakes).items():
        space = read_space(name, node, mistakes)
        if isinstance(space, Choice):
            axes.append(Axis(name, _entries(name, node, listed(node), mistakes), node))
        elif space is not None:
            rule = "'values': a range needs a 'search' to draw from it"
            mistakes.add(node.start, f"{name}: a range in a grid", rule)
    return axes


def _entries(
    axis: str, written: Node, values: Iterable[Node], mistakes: Mistakes
) -> tuple[Entry, ...]:
    found: dict[str, Entry] = {}
    for each in values:
        entry = _entry(axis, written.key, each, mistakes)
        if entry is None:
            continue
        if entry.label in found:
            first = found[entry.label].node.place
            hint = f"The first is in line {first.line}; give one of them another `label`."
            mistakes.add(each.place, f"'{entry.label}' stands twice", "labels that differ", hint)
        else:
            found[entry.label] = entry
    return tuple(found.values())


def _entry(axis: str, key: Place | None, node: Node, mistakes: Mistakes) -> Entry | None:
    if isinstance(node.value, tuple) or node.value is None:
        mistakes.add(node.place, f"an entry: {node.kind}", "a value, or a mapping of settings")
        return None
    if not isinstance(node.value, dict):
        change = Node(node.value, node.place, node.folder, key)
        return Entry(label_of(axis, node.value), {axis: change}, node, node.value)
    words = {word: node.items[word] for word in _WORDS if word in node.items}
    for word, each in words.items():
        if not each.scalar or each.value in (None, ""):
            mistakes.add(each.place, f"{word}: {each.kind}", "a text")
    changes = {name: each for name, each in node.items.items() if name not in words}
    if not changes:
        mistakes.add(node.place, "an entry that changes nothing", f"a setting, such as '{axis}'")
        return None
    own = changes[axis].value if axis in changes and changes[axis].scalar else None
    value = None if isinstance(own, tuple | dict) else own
    if "label" not in words and value is None:
        mistakes.add(node.place, "an entry without a name", "a 'label' for its row")
        return None
    label = str(words["label"].plain()) if "label" in words else label_of(axis, value)
    target = str(words["target_row"].plain()) if "target_row" in words else ""
    return Entry(label, changes, node, value, target)


def label_of(axis: str, value: Scalar) -> str:
    """How a value is called in a table: a number plainly, a user's file or folder by its name."""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    if axis == "backbone":
        return name_of(text)
    if text.startswith(".") or (axis in ("task", "method") and "/" in text):
        ends = [part.rstrip("/").rsplit("/", 1)[-1] for part in text.split("+")]
        return "+".join(ends).removesuffix(".py")
    return text
