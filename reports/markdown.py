"""A report as Markdown, as GitHub and most others read it.

Addresses stand at the end, so that the tables can be read as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from tabulate import tabulate

from reports.document import (
    Block,
    Bullets,
    Grid,
    Heading,
    Notice,
    Paragraph,
    Picture,
    Span,
    Text,
    joined,
    lowered,
    one_line,
    text,
    web_address,
)

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def markdown(blocks: Iterable[Block]) -> str:
    """The whole report."""
    links: dict[str, str] = {}  # address -> its label in this document
    parts = [part for block in blocks for part in _block(block, links)]
    if links:
        parts.append("\n".join(f"[{label}]: <{link}>" for link, label in links.items()))
    return "\n\n".join(parts) + "\n"


def escaped(text: object) -> str:
    """`text` as literal text of one line, also inside a table."""
    return re.sub(r"([\\`*_\[\]<>|#~$&!])", r"\\\1", one_line(text))


def _block(block: Block, links: dict[str, str]) -> list[str]:
    match block:
        case Heading():
            return [f"{'#' * block.level} {escaped(block.title)}"]
        case Paragraph():
            return [_line(block.content, links)]
        case Notice():
            return [f"> {_line(block.content, links)}"]
        case Bullets():
            return ["\n".join(f"- {_line(item, links)}" for item in block.items)]
        case Grid():
            return _grid(block, links)
        case Picture():
            shown = "svg" if "svg" in block.files else "png"
            return [f"![{escaped(block.title)}]({quote(block.name)}.{shown})"]


def _grid(grid: Grid, links: dict[str, str]) -> list[str]:
    parts = [_line(text(grid.caption), links)] if grid.caption else []
    if grid.headers:
        rows = [[_inline(cell, links) for cell in row] for row in grid.rows]
        sides = ["left" if n < grid.labels else "right" for n in range(len(grid.headers))]
        headers = [_inline(cell, links) for cell in grid.headers]
        parts.append(_pipes(headers, rows, sides))
    return [*parts, *(_line(note, links) for note in grid.notes)]


def _pipes(headers: Sequence[str], rows: Sequence[Sequence[str]], sides: Sequence[str]) -> str:
    """A pipe table of ready cells."""
    return tabulate(
        rows, headers, tablefmt="pipe", disable_numparse=True, colalign=sides, missingval=""
    )


def _line(content: Text, links: dict[str, str]) -> str:
    """Text that begins a line: what would make it a list or a rule there is escaped."""
    return re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", _inline(content, links))


def _inline(content: Text, links: dict[str, str]) -> str:
    written = ""
    for span in joined(content):
        words = span.text.strip()
        words = lowered(words).translate(_RAISED) if span.sign else words
        left = " " if span.text[0] == " " else ""
        right = " " if words and span.text[-1] == " " else ""
        written += left + (_span(span, words, written + left, links) if words else "") + right
    return written.strip()


def _span(span: Span, words: str, before: str, links: dict[str, str]) -> str:
    """One span, without spaces around it, after the text `before`."""
    link = web_address(span)
    shown = escaped(words)
    if span.code:
        ticks = not (re.search(r"[`|\\]", words) or before.endswith("`"))
        shown = f"`{words}`" if ticks else f"<code>{shown}</code>"
    # Stars mean emphasis only beside letters; beside anything else, tags always do.
    stars = words[0].isalnum() and words[-1].isalnum() and not (before.endswith("*") or span.code)
    for look, star, tag in ((span.bold, "**", "b"), (span.italic, "*", "i")):
        if look:
            shown = f"{star}{shown}{star}" if stars else f"<{tag}>{shown}</{tag}>"
    if not link:
        return shown
    address = re.sub(r"[<>\\\s]", lambda found: quote(found[0]), link)
    return f"[{shown}][{links.setdefault(address, str(len(links) + 1))}]"
