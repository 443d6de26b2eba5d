"""An SVG file as a part of a page: with a title, names of its own, and nothing that acts."""

from __future__ import annotations

import re
from xml.etree import ElementTree

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
# A page has one style sheet; what else is left out could run, or tells who drew the figure.
_LEFT_OUT = {f"{{{SVG}}}{name}" for name in ("script", "foreignObject", "style", "metadata")}


def inline_svg(data: bytes, title: str, prefix: str) -> str:
    """The element `svg` of a file, as wide as its place. prefix: of every id in it."""
    root = ElementTree.fromstring(data)
    for element in list(root.iter()):
        for child in list(element):
            if child.tag in _LEFT_OUT:
                element.remove(child)
        for name, value in list(element.attrib.items()):
            if name.lower().startswith("on") or not _harmless(name, value):
                del element.attrib[name]
            else:
                element.attrib[name] = _renamed(name, value, prefix)
    root.attrib.pop("height", None)
    root.attrib["role"] = "img"
    root.attrib["aria-labelledby"] = f"{prefix}title"
    named = ElementTree.Element(f"{{{SVG}}}title", {"id": f"{prefix}title"})
    named.text = title
    named.tail = "\n "
    root.insert(0, named)
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    return ElementTree.tostring(root, encoding="unicode")


def _harmless(name: str, value: str) -> bool:
    """Whether an attribute stays within the page."""
    if name in ("href", f"{{{XLINK}}}href"):
        return value.startswith(("#", "data:image/png;", "data:image/jpeg;"))
    return all(place.startswith("#") for place in re.findall(r"url\(\s*['\"]?(.)", value))


def _renamed(name: str, value: str, prefix: str) -> str:
    if name == "id":
        return prefix + value
    if name in ("href", f"{{{XLINK}}}href") and value.startswith("#"):
        return f"#{prefix}{value[1:]}"
    return re.sub(r"url\(\s*(['\"]?)#", rf"url(\1#{prefix}", value)
