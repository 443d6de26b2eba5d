"""Markdown, as a renderer of GitHub's kind reads it."""

import html
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

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
from reports.markdown import markdown
from tests.reports import odd

RENDERER = MarkdownIt("commonmark").enable("table").enable("strikethrough")
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
FEW = settings(max_examples=150, deadline=None)


def shown(source):
    """The text of rendered HTML, on one line."""
    return one_line(html.unescape(re.sub(r"<[^>]*>", "", source)))


def meant(content):
    signs = (lowered(s.text).translate(RAISED) if s.sign else s.text for s in content)
    return one_line("".join(signs))


@FEW
@given(odd.texts, st.sampled_from([Paragraph, Notice, lambda content: Bullets([content])]))
def test_any_text_is_shown_as_it_is(content, block):
    rendered = RENDERER.render(markdown([block(content)]))
    assert shown(rendered) == meant(content)
    assert "<script" not in rendered
    assert "javascript:" not in re.sub(r">[^<]*<", "><", rendered)


@FEW
@given(odd.tables())
def test_a_table_of_any_text_keeps_its_columns_and_rows(rows):
    rendered = RENDERER.render(markdown([Grid(rows[0], rows[1:])]))
    cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", rendered, re.DOTALL)
    assert [shown(cell) for cell in cells] == [meant(cell) for row in rows for cell in row]
    assert rendered.count("<tr>") == len(rows)


@FEW
@given(odd.words, st.integers(1, 3))
def test_a_heading_of_any_text_is_one_heading(words, level):
    rendered = RENDERER.render(markdown([Heading(level, words)])).strip()
    assert re.fullmatch(rf"<h{level}>.*</h{level}>", rendered, re.DOTALL)
    assert shown(rendered) == one_line(words)


def test_looks_signs_and_links():
    content = text(Span("58.0", bold=True, link="http://ui/1"), " ± 2.5", Span("1", sign=True))
    source = markdown([Paragraph(content)])
    assert source == "[**58.0**][1] ± 2.5¹\n\n[1]: <http://ui/1>\n"
    assert '<a href="http://ui/1"><strong>58.0</strong></a> ± 2.5¹' in RENDERER.render(source)


def test_an_address_is_written_once():
    source = markdown([Paragraph(text(Span(word, link="http://ui/1"))) for word in "ab"])
    assert source.count("http://ui/1") == 1


def test_labels_are_to_the_left_and_numbers_to_the_right():
    grid = Grid([text("a"), text("b")], [[text("x"), text("1")]], caption="All.", notes=[text("n")])
    caption, table, note = markdown([grid]).strip().split("\n\n")
    assert (caption, note) == ("All.", "n")
    assert re.fullmatch(r"\|:-+\|-+:\|", table.splitlines()[1])


def test_a_picture_is_shown_from_its_file():
    both = Picture("curve_a", "Accuracy [%]", {"png": b"", "svg": b""})
    assert markdown([both]) == "![Accuracy \\[%\\]](curve_a.svg)\n"
    assert markdown([Picture("a", "b", {"png": b""})]) == "![b](a.png)\n"
