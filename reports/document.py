"""A report before it is written: blocks of text, tables and pictures, whatever the format.

Every section of a report is a list of these; `markdown.py`, `latex.py` and `html.py` write them.
Text here is plain: escaping is the business of the formats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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
