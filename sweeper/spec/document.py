"""One YAML 1.2 document, read into nodes that know their line and column."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from sweeper.errors import Place, nearest
from sweeper.redaction import secret_in
from sweeper.spec.node import Mistakes, Node, Scalar, merge

_MOST_NODES = 20_000  # aliases can unfold a short file into a very long one
_DEEPEST = 50
_MOST_BYTES = 256 * 1024  # the reader takes seconds for them
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")  # in no name, path or title
_UNTAGGED = "Write the value itself."
_YAML = "tag:yaml.org,2002:"


def read(path: Path, mistakes: Mistakes) -> Node | None:
    """The document in the file at `path`, or None after noting why there is none."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            got, rule = (
                "the file is too long",
                f"a sweep file, of {_MOST_BYTES // 1024} KiB at most",
            )
            mistakes.add(Place(str(path)), got, rule)
            return None
        text = content.decode("utf-8-sig")
    except FileNotFoundError:
        near = [found.name for found in path.parent.glob("*.y*ml")]
        mistakes.add(
            Place(str(path)), "there is no such file", "a sweep file", nearest(path.name, near)
        )
        return None
    except (OSError, UnicodeDecodeError) as error:
        mistakes.add(Place(str(path)), f"cannot be read ({error})", "a YAML file in UTF-8")
        return None
    node = parse(text, str(path), path.parent, mistakes)
    if node is not None and node.value is None:
        mistakes.add(Place(str(path), 1, 1), "the file is empty", "a sweep: a mapping of sections")
        return None
    return node


def parse(text: str, file: str, folder: Path, mistakes: Mistakes) -> Node | None:
    """The document in `text`, called `file` in messages, or None after noting why not."""
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        reason = " ".join(filter(None, [error.context, error.problem]))
        mistakes.add(place, f"not YAML: {reason}", "a YAML 1.2 document")
        return None
    except (YAMLError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        mistakes.add(Place(file), f"not YAML: {reason}", "a YAML 1.2 document")
        return None
    if root is None:
        return Node(None, Place(file, 1, 1), folder)
    return _Builder(file, folder, mistakes).build(root)


class _Builder:
    """Turns composed YAML nodes into ours, noting duplicate keys, tags and runaway aliases."""

    def __init__(self, file: str, folder: Path, mistakes: Mistakes) -> None:
        self._file, self._folder, self._mistakes = file, folder, mistakes
        self._count = 0

    def build(self, source: Any, key: Place | None = None, depth: int = 0) -> Node:
        place = self._place(source)
        self._count += 1
        value: Scalar | tuple[Node, ...] | dict[str, Node] = None
        if depth > _DEEPEST or self._count > _MOST_NODES:
            expected = f"at most {_DEEPEST} levels and {_MOST_NODES} values"
            self._mistakes.add(Place(self._file), "nested too deeply or too long", expected)
        elif not self._plain_tag(source):
            self._mistakes.add(place, f"tag {source.tag}", "plain YAML without tags", _UNTAGGED)
        elif isinstance(source, MappingNode):
            value = self._mapping(source, depth + 1)
        elif isinstance(source, SequenceNode):
            value = tuple(self.build(each, None, depth + 1) for each in self._in(source))
        elif isinstance(source, ScalarNode):
            value = self._scalar(source, place)
        return Node(value, place, self._folder, key)

    def _in(self, source: Any) -> Iterator[Any]:
        for each in source.value:
            if self._count > _MOST_NODES:
                return
            yield each

    def _mapping(self, source: Any, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        merged: Node | None = None
        for key, value in self._in(source):
            place = self._place(key)
            if not isinstance(key, ScalarNode):
                self._mistakes.add(place, "a key that is not a name", "a name before the ':'")
            elif not self._plain_tag(key) and key.tag != f"{_YAML}merge":
                self._mistakes.add(place, f"tag {key.tag}", "plain YAML without tags", _UNTAGGED)
            elif not self._recordable(key.value, place):
                continue
            elif key.tag == f"{_YAML}merge":
                merged = self.build(value, place, depth)
            elif key.value in found:
                first = found[key.value].start
                self._mistakes.add(
                    place,
                    f"'{key.value}' is written twice",
                    "each key once",
                    f"The first is in line {first.line}, column {first.column}.",
                )
            else:
                found[key.value] = self.build(value, place, depth)
        if merged is not None:
            under = merge(merged, Node(found, self._place(source), self._folder))
            return dict(under.items) if merged.items else found
        return found

    def _scalar(self, source: Any, place: Place) -> Scalar:
        kind, text = source.tag.removeprefix(_YAML), source.value
        try:
            if kind == "null":
                return None
            if kind == "bool":
                return str(text).lower() == "true"
            if kind == "int":
                return _whole(text)
            if kind == "float":
                return self._finite(text, place)
        except ValueError:
            self._mistakes.add(place, f"{text!r} is not of the type {kind}", "a plain value")
            return None
        return str(text) if self._recordable(text, place) else ""

    def _recordable(self, text: str, place: Place) -> bool:
        """Whether `text` may be recorded and printed; notes why not."""
        if unfit := _UNFIT.search(text):
            rule = "characters that can be printed"
            self._mistakes.add(place, f"the character U+{ord(unfit[0]):04X}", rule)
        if secret := secret_in(text):
            hint = "Whatever needs it can read it from the environment."
            self._mistakes.add(place, secret, "no secret: sweep files are recorded", hint)
        return not unfit and not secret

    def _finite(self, text: str, place: Place) -> float:
        number = float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
        if not math.isfinite(number):
            self._mistakes.add(place, text, "a finite number")
            return 0.0
        return number

    def _plain_tag(self, source: Any) -> bool:
        kinds = ("null", "bool", "int", "float", "str", "timestamp", "map", "seq")
        return source.tag in {_YAML + kind for kind in kinds}

    def _place(self, source: Any) -> Place:
        return Place(self._file, source.start_mark.line + 1, source.start_mark.column + 1)


def _whole(text: str) -> int:
    """Raises ValueError where it is none, or one that no computer counts to."""
    digits = text.replace("_", "")
    based = digits.lstrip("+-")[:2].lower() in ("0x", "0o", "0b")
    number = int(digits, 0 if based else 10)
    if abs(number) >= 2**63:
        raise ValueError
    return number
