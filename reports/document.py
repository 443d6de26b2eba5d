"""A report before it is written: blocks of text, tables and pictures, whatever the format.

Every section of a report is a list of these; `markdown.py`, `latex.py` and `html.py` write them.
Text here is plain: escaping is the business of the formats.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Span:
    """Some text of one look. link: an address, empty for none; sign: a raised mark of a note."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    sign: bool = False
    link: str = ""


Text = tuple[Span, ...]

# Control characters, halves of surrogates, what is no character, and what turns the direction of
# the text around it: no file of ours can or should hold them.
_UNFIT = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def text(*parts: str | Span) -> Text:
    """Text of plain strings and spans."""
    return tuple(Span(part) if isinstance(part, str) else part for part in parts)


@dataclass(frozen=True)
class Heading:
    """level: 1 is the title of the report, 2 a section, 3 a table or a figure."""

    level: int
    title: str


@dataclass(frozen=True)
class Paragraph:
    """Running text. note: what stands in smaller type below a table."""

    content: Text
    note: bool = False


@dataclass(frozen=True)
class Notice:
    """Text that is set off, at the top of a report."""

    content: Text


@dataclass(frozen=True)
class Bullets:
    """A list of points."""

    items: Sequence[Text]


@dataclass(frozen=True)
class Grid:
    """A table: every row is as long as `headers`. The first `labels` columns are left-aligned.

    name: what its LaTeX and CSV files are called, without ending; empty where it has none of its
        own. caption: in one sentence, what it shows. notes: below it, in smaller type.
    rules: places of rows before which a thin line is drawn.
    """

    headers: Sequence[Text]
    rows: Sequence[Sequence[Text]]
    labels: int = 1
    name: str = ""
    caption: str = ""
    notes: Sequence[Text] = ()
    rules: Sequence[int] = ()

    def __post_init__(self) -> None:
        if any(len(row) != len(self.headers) for row in self.rows):
            raise ValueError(f"grid '{self.name}': rows are not as long as the headers")


@dataclass(frozen=True)
class Picture:
    """A figure. name: of its files, without ending; title: in words, for those who do not see it.

    files: ending, such as 'svg', 'pdf' or 'png' -> the bytes.
    """

    name: str
    title: str
    files: dict[str, bytes]


Block = Heading | Paragraph | Notice | Bullets | Grid | Picture


def one_line(text: object) -> str:
    """`text` on one line; each character that a file cannot hold becomes U+FFFD."""
    return " ".join(_UNFIT.sub("\ufffd", str(text)).split())


def plain(content: Text) -> str:
    """Text without its looks and links, on one line."""
    return one_line("".join(span.text for span in content))


def lowered(sign: str) -> str:
    """The sign of a note in characters of full size, for formats that raise it themselves."""
    return sign.translate(_RAISED)


def web_address(span: Span) -> str:
    """The address of a span that may be linked: on the web; otherwise empty."""
    link = one_line(span.link)
    return link if link.startswith(("http://", "https://")) else ""


def joined(content: Text) -> Iterator[Span]:
    """The spans of a text on one line: neighbours of one look are one, empty ones are gone."""
    spans: list[Span] = []
    for span in content:
        if spans and replace(spans[-1], text="") == replace(span, text=""):
            spans[-1] = replace(span, text=spans[-1].text + span.text)
        elif span.text:
            spans.append(span)
    after = " "  # spaces at the beginning of a line, and after others, are none
    for place, span in enumerate(spans):
        words = one_line(span.text)
        left = " " if span.text[:1].isspace() and after != " " else ""
        right = " " if words and span.text[-1].isspace() and place < len(spans) - 1 else ""
        if written := left + words + right:
            after = written[-1]
            yield replace(span, text=written)


def width(grid: Grid) -> int:
    """Characters of a row, if each column is as wide as its widest cell, with two between them."""
    columns = zip(*(grid.headers, *grid.rows), strict=True)
    return sum(max(len(plain(cell)) for cell in column) + 2 for column in columns)


def file_name(text: str) -> str:
    """`text` as the name of a file on any system, without ending."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", text).strip("._") or "_"


def told_apart(blocks: Iterable[Block]) -> list[Block]:
    """The same blocks, with names of tables and pictures that are names of files, each once."""
    used: set[tuple[type[Block], str]] = set()
    found: list[Block] = []
    for block in blocks:
        if isinstance(block, Grid | Picture) and block.name:
            first = name = file_name(block.name)
            number = 2
            while (type(block), name.lower()) in used:  # some systems do not tell case apart
                name, number = f"{first}_{number}", number + 1
            used.add((type(block), name.lower()))
            block = replace(block, name=name)
        found.append(block)
    return found
