"""A report as one page of HTML that needs nothing but itself: no scripts, no other files.

Figures stand in it as SVG, or as PNG where there is no other; addresses lead to MLflow.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from reports.document import (
    Block,
    Grid,
    Heading,
    Picture,
    Span,
    Text,
    joined,
    lowered,
    one_line,
    plain,
    text,
    web_address,
    width,
)
from reports.inline_svg import inline_svg

# On paper, in points: the width of a page and of one that is turned, and of a letter in its size.
UPRIGHT, ACROSS, LETTER = 510, 774, 0.55
LARGEST, SMALLEST = 9.0, 4.5


def html(blocks: Iterable[Block]) -> str:
    """The whole page. Its title is the first heading."""
    # Kind, block, and what else of it is shown: an anchor, a figure, the size of print.
    shown: list[tuple[str, Block, str]] = []
    title = ""  # of the section; a figure that has the same needs no caption
    for place, block in enumerate(blocks):
        match block:
            case Picture():
                beside: str = _figure(block, f"f{place}-")
                if block.title != title:
                    beside += Markup("\n<figcaption>{}</figcaption>").format(one_line(block.title))
            case Grid():
                beside = _print(block)
            case Heading():
                beside, title = f"s{place}", block.title
            case _:
                beside = ""
        shown.append((type(block).__name__, block, beside))
    headings = [(block, beside) for _, block, beside in shown if isinstance(block, Heading)]
    return _template().render(
        title=one_line(headings[0][0].title) if headings else "",
        blocks=shown,
        contents=[(block, anchor) for block, anchor in headings if block.level > 1],
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"inline": _inline, "line": one_line, "plain": plain}
    return environment.get_template("page.html.j2")


def _inline(content: Text) -> Markup:
    return Markup("").join(map(_span, joined(content))).strip()


def _span(span: Span) -> Markup:
    shown = Markup.escape(lowered(span.text) if span.sign else span.text)
    looks = ((span.code, "code"), (span.italic, "i"), (span.bold, "b"), (span.sign, "sup"))
    for look, tag in looks:
        shown = Markup(f"<{tag}>{{}}</{tag}>").format(shown) if look else shown
    link = web_address(span)
    return Markup('<a href="{}">{}</a>').format(link, shown) if link else shown


def _print(grid: Grid) -> Markup:
    """The class and the style of a table that is as large on paper as fits."""
    words = [max(plain(header).split(), key=len, default="") for header in grid.headers]
    wrapped = replace(grid, headers=[text(word) for word in words])  # as headers are, at spaces
    letters = LETTER * max(width(wrapped), 1)
    across = letters * LARGEST > UPRIGHT
    size = min(LARGEST, max(SMALLEST, (ACROSS if across else UPRIGHT) / letters))
    return Markup('class="scroll{}" style="--print: {:.1f}pt"').format(" across" * across, size)


def _figure(picture: Picture, prefix: str) -> Markup:
    if "svg" in picture.files:
        return Markup(inline_svg(picture.files["svg"], one_line(picture.title), prefix))
    data = base64.b64encode(picture.files["png"]).decode()
    return Markup('<img alt="{}" src="data:image/png;base64,{}">').format(
        one_line(picture.title), data
    )
