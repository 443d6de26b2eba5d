"""The page: nothing injected, nothing from elsewhere, figures in it."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from reports.document import (
    Bullets,
    Grid,
    Heading,
    Notice,
    Paragraph,
    Picture,
    Span,
    lowered,
    one_line,
    text,
)
from reports.html import html
from reports.inline_svg import inline_svg
from tests.reports import odd

VOID = {"meta", "img", "br"}
SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" '
    b'xmlns:xlink="http://www.w3.org/1999/xlink" width="10pt" height="9pt" viewBox="0 0 10 9" '
    b'onload="alert(1)"><metadata>secret</metadata><style>*{}</style><script>alert(1)</script>'
    b'<defs><path id="p" d="M0 0"/><clipPath id="c"/></defs><a xlink:href="javascript:alert(1)"/>'
    b'<g clip-path="url(#c)" style="fill: url(#c)"><use xlink:href="#p"/></g>'
    b'<image href="http://x/y.png"/></svg>'
)


class Page(HTMLParser):
    """Tags with attributes, and the text between them; fails where one is not closed."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.open, self.cells = [], [], []
        self.feed(source)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("td", "th", "p"):
            self.cells.append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th", "p"} & set(self.open):
            self.cells[-1] += data

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@settings(max_examples=60, deadline=None)
@given(odd.tables(), odd.texts)
def test_any_text_is_shown_as_it_is_and_brings_no_tags(rows, content):
    grid = Grid(rows[0], rows[1:], caption=content[0].text if content else "", notes=[content])
    page = Page(html([Heading(1, "x"), grid]))
    # A table whose headers are all empty has no head.
    body = rows if any(one_line("".join(s.text for s in h)) for h in rows[0]) else rows[1:]
    meant = [
        one_line("".join(lowered(s.text) if s.sign else s.text for s in cell))
        for cell in [*(cell for row in body for cell in row), content]
    ]
    assert [one_line(cell) for cell in page.cells] == meant
    assert not page.all("script")
    assert all(attrs["href"].startswith("http://x/") for attrs in page.all("a"))
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)


@settings(max_examples=40, deadline=None)
@given(odd.words)
def test_titles_of_any_text_bring_no_tags(words):
    blocks = [Heading(1, words), Heading(2, words), Heading(3, words), Notice(text(words))]
    page = Page(html([*blocks, Bullets([text(words)]), Picture("f", words, {"svg": SVG})]))
    known = "html head meta title style body main h1 nav details summary ul li a h2 h3 div p figure"
    known += " svg defs path clippath g use image figcaption"
    assert {tag for tag, _ in page.tags} <= set(known.split())


def test_the_page_needs_nothing_but_itself(folder):
    source = (folder / "report.html").read_text()
    page = Page(source)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    (policy,) = [m["content"] for m in page.all("meta") if "http-equiv" in m]
    assert policy.startswith("default-src 'none'")
    outside = ("src", "srcset", "data", "poster", "xlink:href")
    for _, attrs in page.tags:
        for name in set(attrs) & set(outside):
            assert attrs[name].startswith(("#", "data:image/"))
    assert "@import" not in source
    assert page.all("svg")


def test_every_heading_is_in_the_contents_and_every_id_is_there_once(folder):
    page = Page((folder / "report.html").read_text())
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    inside = [a["href"] for a in page.all("a") if a["href"].startswith("#")]
    headings = [attrs["id"] for tag, attrs in page.tags if tag in ("h2", "h3")]
    assert inside == [f"#{name}" for name in headings]
    assert len(headings) > 5


def test_a_number_leads_to_mlflow(folder):
    page = Page((folder / "report.html").read_text())
    assert any("/#/experiments/" in a["href"] for a in page.all("a"))


def test_a_figure_is_in_the_page_with_a_title_and_nothing_that_acts():
    source = inline_svg(SVG, "A <b> & c", "f1-")
    page = Page(source)
    (svg,) = page.all("svg")
    assert svg["aria-labelledby"] == "f1-title"
    assert "height" not in svg
    assert "A &lt;b&gt; &amp; c</title>" in source
    for gone in ("script", "alert", "secret", "http://x", "metadata", "<style"):
        assert gone not in source
    assert 'clip-path="url(#f1-c)"' in source
    assert 'href="#f1-p"' in source
    assert 'style="fill: url(#f1-c)"' in source


def test_the_same_figure_twice_has_other_ids():
    picture = Picture("f", "t", {"svg": SVG})
    page = Page(html([Heading(1, "x"), picture, picture]))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_a_figure_is_captioned_where_its_section_is_called_otherwise():
    pictures = [Picture(name, name, {"svg": SVG}) for name in ("Accuracy", "Time")]
    source = html([Heading(1, "x"), Heading(3, "Accuracy"), *pictures])
    assert source.count("<figcaption>") == 1
    assert "<figcaption>Time</figcaption>" in source


def test_a_figure_without_svg_stands_there_as_png():
    page = Page(html([Picture("f", 'A "b"', {"png": b"\x89PNG"})]))
    assert page.all("img") == [{"alt": 'A "b"', "src": "data:image/png;base64,iVBORw=="}]


@pytest.mark.parametrize(("columns", "across"), [(3, False), (14, True)])
def test_a_wide_table_is_turned_on_paper_and_made_to_fit(columns, across):
    cells = [text("58.0 ± 2.5 (3)")] * columns
    (grid,) = [
        attrs
        for attrs in Page(html([Grid(cells, [cells])])).all("div")
        if attrs["class"].startswith("scroll")
    ]
    assert ("across" in grid["class"]) == across
    size = float(grid["style"].removeprefix("--print: ").removesuffix("pt"))
    assert 4.5 <= size <= 9.0
    assert (size < 9.0) == across


def test_looks_signs_and_notes():
    content = text(Span("58.0", bold=True, link="http://ui/1"), " ± 2.5", Span("¹", sign=True))
    source = html([Paragraph(content, note=True)])
    wanted = '<p class="note"><a href="http://ui/1"><b>58.0</b></a> ± 2.5<sup>1</sup></p>'
    assert wanted in source
